import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { openS3 } from '../../../src/adapters/s3/s3.ts';
import type { S3Options } from '../../../src/adapters/s3/options.ts';
import { quickClock } from '../../fakes/fast-clock.ts';
import { openMirrorRigBetween, history, mirror } from '../../rigs/mirror.ts';
import { profileOf, s3Profiles, type S3ProfileName } from '../../servers/s3/profiles.ts';
import type { S3Quirk } from '../../servers/s3/quirks.ts';
import { startS3Server, testUser } from '../../servers/s3/server.ts';

const mebi = 2 ** 20;
const log = gzipSync('a line of a log\n'.repeat(500));
const name =
  'Jürgen 🚂 and a name that is too long for one encoded word of RFC 2047: Übergrößenträger';

/**
 * A MinIO as Charmed Kubeflow has it, with one object of each kind that some server treats in a way
 * of its own; and a target.
 */
const openRig = async (
  profile: S3ProfileName,
  { quirks = [], ...options }: Partial<S3Options> & { readonly quirks?: readonly S3Quirk[] } = {},
) => {
  const stack = new AsyncDisposableStack();
  const source = stack.use(await startS3Server({ profile: 'minio-2021', buckets: ['mlpipeline'] }));
  const target = stack.use(await startS3Server({ profile, quirks, buckets: ['backups'] }));
  source.contents.put(
    'mlpipeline',
    { key: 'in parts', content: Buffer.alloc(6 * mebi, 'p'), partSize: 5 * mebi },
    { key: 'main.log', content: log, headers: { 'content-encoding': 'gzip' } },
    { key: 'named', content: 'x', headers: { 'x-amz-meta-author': name, 'x-amz-meta-of': 'run' } },
    { key: 'plain', content: 'kind: Pipeline\n' },
    { key: 'streamed', content: Buffer.alloc(mebi + 1, 's') },
  );
  const opened = { region: undefined, style: 'path' as const, ...testUser, clock: quickClock };
  const from = stack.use(openS3({ ...opened, endpoint: source.url, bucket: 'mlpipeline' }));
  const to = stack.use(
    openS3({
      ...opened,
      region: profileOf(profile).region,
      endpoint: target.url,
      bucket: 'backups',
      ...options,
    }),
  );
  const mirrorRig = stack.use(await openMirrorRigBetween(from, to));
  const moved = stack.move();
  return {
    ...{ source, target, from, to, mirrorRig },
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
};

type Rig = Awaited<ReturnType<typeof openRig>>;

/** Every object can be read from the mirror as the source has it. */
const assertMirrored = async ({ from, to, mirrorRig, source }: Rig): Promise<void> => {
  const list = await mirrorRig.list();
  assert.deepEqual(
    list.map(({ key }) => key),
    source.contents.keys('mlpipeline'),
  );
  for (const { key } of list) {
    const [theirs, ours] = [await from.fetch(key), await to.fetch(mirror + key)];
    assert.ok(ours.bytes.equals(theirs.bytes), key);
    assert.deepEqual(ours.metadata, theirs.metadata, key);
    assert.deepEqual((await to.head(mirror + key))?.metadata, theirs.metadata, key);
    assert.equal((await to.head(mirror + key))?.size, theirs.size, key);
  }
};

const assertLivesOn = async (rig: Rig): Promise<void> => {
  const { mirrorRig, from, to } = rig;
  await mirrorRig.pass();
  await assertMirrored(rig);
  const [before] = (await mirrorRig.list()).filter(({ key }) => key === 'plain');
  const again = await mirrorRig.pass();
  assert.deepEqual([again.copied, again.unchanged], [0, 5]);
  await from.put('plain', 'kind: Changed\n');
  const third = await mirrorRig.pass();
  assert.deepEqual([third.copied, third.archived], [1, 1]);
  await assertMirrored(rig);
  const kept = `${history}plain/${before!.mirrorEtag ?? before!.etag}`;
  assert.equal((await to.read(kept)).toString(), 'kind: Pipeline\n');
};

describe('the mirror of a bucket on servers as they are', () => {
  for (const profile of Object.keys(s3Profiles) as S3ProfileName[])
    it(`is exact, and keeps what is replaced: ${s3Profiles[profile].title}`, async () => {
      await using rig = await openRig(profile);
      await assertLivesOn(rig);
    });

  for (const profile of ['target', 'minio-2025'] as const)
    it(`is exact with a key service: ${s3Profiles[profile].title}`, async () => {
      await using rig = await openRig(profile, {
        serverSideEncryption: { algorithm: 'aws:kms', keyId: 'key' },
      });
      await assertLivesOn(rig);
    });

  for (const quirk of ['numbers-etags', 'invents-etags'] as const)
    it(`is exact on a gateway that ${quirk}`, async () => {
      await using rig = await openRig('target', { quirks: [quirk] });
      const written = await rig.to.put('small', 'x');
      assert.equal((await rig.to.head('small'))?.etag, written.etag);
      const { mirrorRig } = rig;
      await mirrorRig.pass();
      await assertMirrored(rig);
      assert.equal((await mirrorRig.pass()).copied, 0);
    });

  it('is refused where an object below another one is hidden, before there is a set', async () => {
    await using rig = await openRig('minio-2025');
    const { source, mirrorRig } = rig;
    // Not what this MinIO would take, but others that are a source do.
    source.contents.put(
      'mlpipeline',
      { key: 'run', content: 'the parent' },
      { key: 'run/model', content: 'the child' },
    );
    // The listing of the pass before does not show it, so it is copied again, and looked for.
    await mirrorRig.pass();
    const last = mirrorRig.pass({ confirmListed: true });
    await assert.rejects(last, {
      code: 'objects-failed',
      message: /run\/model.* does not list it/,
    });
  });

  it('is refused where an object is hidden that is written during the backup', async () => {
    await using rig = await openRig('minio-2025');
    const { source, mirrorRig } = rig;
    await mirrorRig.pass();
    source.contents.put('mlpipeline', { key: 'plain/child', content: 'new, below plain' });
    const last = mirrorRig.pass({ confirmListed: true });
    await assert.rejects(last, { code: 'objects-failed', message: /plain\/child/ });
  });

  it('is refused where a packed object does not come back as it was sent', async () => {
    await using rig = await openRig('target');
    const { target, mirrorRig } = rig;
    // As a proxy that unpacks whatever the client says.
    target.fail({
      operation: /^(Head|Get)Object$/,
      key: /main\.log$/,
      times: Infinity,
      fault: { length: 1000 },
    });
    await assert.rejects(mirrorRig.pass(), (error: Error) => {
      assert.match(error.message, /main\.log/);
      return true;
    });
  });
});

const entryOf = (key: string): string =>
  `<Contents><Key>${key}</Key><Size>1</Size><ETag>"e"</ETag><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>`;
const entry = entryOf('a');
const folder = '<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>';
const inTurn = (count: number): string => (count % 2 === 0 ? 'a' : 'b');
const version =
  '<Version><Key>a</Key><VersionId>1</VersionId><Size>1</Size><ETag>"e"</ETag><LastModified>2026-01-01T00:00:00Z</LastModified></Version>';
const upload =
  '<Upload><Key>a</Key><UploadId>1</UploadId><Initiated>2026-01-01T00:00:00Z</Initiated></Upload>';

describe('a listing that never ends', () => {
  const assertGivenUp = async (
    page: (count: number) => string,
    list: (store: ReturnType<typeof openS3>) => AsyncIterable<unknown>,
  ): Promise<void> => {
    await using server = await startS3Server({ buckets: ['backups'] });
    let count = 0;
    await using store = openS3({
      ...{ endpoint: server.url, region: undefined, bucket: 'backups', style: 'path' as const },
      ...{ ...testUser, clock: quickClock },
    });
    server.answer = () => {
      count += 1;
      // A mistake here must not make the test endless.
      if (count > 1500) throw new Error('asked too often');
      return `<Result><IsTruncated>true</IsTruncated>${page(count)}</Result>`;
    };
    await assert.rejects(Array.fromAsync(list(store)), { code: 'store-refused' });
    assert.ok(count < 1100, String(count));
  };

  for (const [what, token, page, method] of [
    ['the same token', () => 'again', () => entry, 'list'],
    ['empty pages', String, () => '', 'list'],
    ['no token', () => undefined, () => entry, 'list'],
    ['two tokens in turn', inTurn, (count) => entryOf(inTurn(count)), 'list'],
    ['the same page of folders', () => 'again', () => folder, 'listPrefixes'],
  ] as const satisfies readonly (readonly [
    string,
    (count: number) => string | undefined,
    (count: number) => string,
    'list' | 'listPrefixes',
  ])[])
    it(`is given up: ${what}`, () =>
      assertGivenUp(
        (count) => {
          const next = token(count);
          const element = next && `<NextContinuationToken>${next}</NextContinuationToken>`;
          return `${element ?? ''}${page(count)}`;
        },
        (store) => store[method](''),
      ));

  for (const [what, id] of [
    ['one marker', () => '1'],
    ['two markers in turn', inTurn],
  ] as const)
    it(`is given up, of versions and of uploads: ${what}`, async () => {
      await assertGivenUp(
        (count) =>
          `<NextKeyMarker>a</NextKeyMarker><NextVersionIdMarker>${id(count)}</NextVersionIdMarker>${version}`,
        (store) => store.asOf(new Date()).list(''),
      );
      await assertGivenUp(
        (count) =>
          `<EncodingType>url</EncodingType><NextKeyMarker>a</NextKeyMarker><NextUploadIdMarker>${id(count)}</NextUploadIdMarker>${upload}`,
        (store) => store.unfinishedUploads(''),
      );
    });
});
