import assert from 'node:assert/strict';
import sinon from 'sinon';
import { systemClock } from '../../../src/adapters/clock.ts';
import { openS3 } from '../../../src/adapters/s3/s3.ts';
import { CharmError } from '../../../src/errors.ts';
import { md5Of } from '../../../src/ports/etags.ts';
import type { ObjectStore } from '../../../src/world.ts';
import { FakeObjectServer } from '../../fakes/object-store-server.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import { mirror, openMirrorRig, openMirrorRigBetween } from '../../rigs/mirror.ts';
import { storedBucket } from '../../rigs/stored-bucket.ts';
import type { S3ProfileName } from '../../servers/s3/profiles.ts';
import { startS3Server, testUser } from '../../servers/s3/server.ts';

const mebi = 2 ** 20;
const large = Buffer.alloc(2 * mebi, 'one of a run');
const inParts = Buffer.alloc(6 * mebi, 'in two parts');
const metadata = { contentType: 'text/plain', user: { of: 'run' } };

/** Two buckets of one server, the source and the target, and what was asked of it. */
const oneServer = async (profile: S3ProfileName) => {
  await using stack = new AsyncDisposableStack();
  const server = await startS3Server({ profile });
  stack.defer(() => server.close());
  const open = (bucket: string): ObjectStore => {
    server.contents.bucket(bucket);
    return stack.use(
      openS3({
        ...{ endpoint: server.url, region: undefined, bucket, style: 'path', ...testUser },
        clock: systemClock,
      }),
    );
  };
  const [from, to] = [open('mlpipeline'), open('backups')];
  await from.put('a/large', large, { metadata: { ...metadata, tags: { team: 'ml' } } });
  await from.put('small', 'bytes');
  const upload = await from.startParts('b/parts', metadata);
  await upload.put(1, inParts.subarray(0, 5 * mebi), 5 * mebi);
  await upload.put(2, inParts.subarray(5 * mebi), mebi);
  await upload.complete();
  const rig = stack.use(await openMirrorRigBetween(from, to));
  server.requests.length = 0;
  const asked = (operation: string): number =>
    server.requests.filter((request) => request.operation === operation).length;
  const all = stack.move();
  return { ...rig, server, asked, [Symbol.asyncDispose]: () => all.disposeAsync() };
};

describe('a copy between two buckets of one server', () => {
  for (const profile of ['target', 'minio-2021', 'minio-2025', 'radosgw-16'] as const)
    it(`moves no bytes of large objects through us: ${profile}`, async () => {
      await using rig = await oneServer(profile);
      const { listed, copied, bytesCopied } = await rig.pass();
      assert.deepEqual([listed, copied, bytesCopied], [3, 3, 8 * mebi + 5]);
      assert.equal(rig.asked('GetObject'), 1, 'the small one');
      assert.deepEqual([rig.asked('CopyObject'), rig.asked('UploadPartCopy')], [1, 2]);
      for (const { key, etag, mirrorEtag } of await rig.list()) {
        assert.equal(mirrorEtag, undefined);
        const there = await rig.to.head(mirror + key);
        const mine = await rig.from.head(key);
        assert.deepEqual([there?.etag, there?.metadata], [etag, mine?.metadata]);
        assert.ok((await rig.to.read(mirror + key)).equals(await rig.from.read(key)), key);
      }
      assert.deepEqual(await rig.to.tags(`${mirror}a/large`), { team: 'ml' });
    });

  it('moves them itself once the server’s copies prove nothing, as with encryption', async () => {
    await using rig = await oneServer('target');
    rig.server.fail({ operation: 'CopyObject', nth: 1, fault: { etag: '0'.repeat(32) } });
    const pass = await rig.pass();
    assert.deepEqual([pass.listed, pass.copied], [3, 3]);
    assert.ok((await rig.to.read(`${mirror}a/large`)).equals(large));
    assert.ok((await rig.to.read(`${mirror}b/parts`)).equals(inParts));
  });
});

const refusal = new CharmError('store-denied', 'The target’s user may not read the source.');

const twoBuckets = (): readonly [FakeObjectStore, FakeObjectStore] => {
  const server = new FakeObjectServer();
  return [new FakeObjectStore({ server }), new FakeObjectStore({ server })];
};

describe('a copy on the server', () => {
  it('is asked for once when it is refused, and the bytes go through us', async () => {
    const [from, to] = twoBuckets();
    for (const name of ['a', 'b', 'c']) from.seed(name, large);
    await using rig = await openMirrorRig(from, to);
    to.failNext('copyFrom', refusal);
    assert.equal((await rig.pass({ transfers: 1 })).copied, 3);
    // The second one would fail again.
    to.failNext('copyFrom', refusal);
    assert.ok(to.bucket.get(`${mirror}c`).bytes.equals(large));
    await assert.rejects(
      to.copyFrom({ ...from.origin({ key: 'a', etag: '' }), size: 1 }, 'x', { metadata }),
      refusal,
    );
  });

  it('that finds another bucket by this name does not count', async () => {
    const [from, to] = twoBuckets();
    from.seed('a', large);
    await using rig = await openMirrorRig(from, to);
    // As with the tenants of RadosGW.
    to.failNext('copyFrom', new CharmError('object-changed', 'It has another ETag.'));
    assert.equal((await rig.pass()).copied, 1);
    assert.ok(to.bucket.get(`${mirror}a`).bytes.equals(large));
  });

  it('reads an object again that was replaced meanwhile', async () => {
    const [from, to] = twoBuckets();
    from.seed('a', large);
    await using rig = await openMirrorRig(from, to);
    const newer = Buffer.alloc(3 * mebi, 'newer');
    const copies = sinon.stub(to, 'copyFrom').callThrough();
    copies.onFirstCall().callsFake(async (...asked) => {
      from.seed('a', newer);
      return copies.wrappedMethod.apply(to, asked);
    });
    await rig.pass();
    assert.deepEqual(
      (await rig.list()).map(({ etag }) => etag),
      [md5Of(newer)],
    );
    assert.ok(to.bucket.get(`${mirror}a`).bytes.equals(newer));
  });

  it('is not asked of another server', async () => {
    const [from, to] = [new FakeObjectStore(), new FakeObjectStore()];
    from.seed('a', large);
    await using rig = await openMirrorRig(from, to);
    to.failNext('copyFrom', new Error('nobody should ask'));
    assert.equal((await rig.pass()).copied, 1);
  });

  it('brings a set back from the mirror; what lies in the history goes through us', async () => {
    const [from, to] = twoBuckets();
    for (const name of ['a', 'b']) from.seed(name, large, metadata);
    await using rig = await storedBucket(from, to);
    const backup = await rig.backUp();
    from.seed('b', Buffer.alloc(2 * mebi, 'later'));
    await rig.backUp();
    for (const name of ['a', 'b']) from.bucket.remove(name);
    const copies = sinon.spy(from, 'copyFrom');
    assert.equal((await rig.restore(backup)).copied, 2);
    for (const name of ['a', 'b']) {
      assert.ok(from.bucket.get(name).bytes.equals(large), name);
      assert.deepEqual(from.bucket.get(name).metadata.user, metadata.user);
    }
    assert.equal((await copies.firstCall.returnValue).etag, md5Of(large));
    await assert.rejects(copies.secondCall.returnValue, { code: 'object-changed' });
  });
});
