import assert from 'node:assert/strict';
import { openS3 } from '../../src/adapters/s3/s3.ts';
import { probeServer, serverText, serverWarnings } from '../../src/operation/probe-server.ts';
import { longestMessage } from '../../src/errors.ts';
import type { ServerTraits } from '../../src/repository/manifest.ts';
import { quickClock as clock } from '../fakes/fast-clock.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { targetIn } from '../rigs/target.ts';
import { profileOf, s3Profiles, type S3ProfileName } from '../servers/s3/profiles.ts';
import { startS3Server, testUser, type S3ServerOptions } from '../servers/s3/server.ts';

const asPromised: ServerTraits = {
  conditions: 'heeded',
  digests: 'checked',
  tags: 'kept',
  keys: 'any',
  partEtags: 'md5',
  versions: 'replaced',
  objectLock: 'off',
  clockAheadSeconds: 0,
};

/** In what each server differs from what S3 promises, as far as the probe asks. */
const differences: Readonly<Record<S3ProfileName, Partial<ServerTraits>>> = {
  target: {},
  'minio-2021': { conditions: 'ignored', tags: 'refused', keys: 'limited', partEtags: 'unknown' },
  'minio-2025': { tags: 'refused', keys: 'limited', partEtags: 'unknown' },
  'radosgw-16': {},
  'radosgw-16-versioned': { conditions: 'ignored', versions: 'kept' },
  'radosgw-20-versioned': { versions: 'kept' },
  versitygw: { tags: 'refused', keys: 'limited', partEtags: 'unknown' },
  aws: { tags: 'refused', versions: 'kept', objectLock: 'on' },
  r2: { tags: 'refused' },
  'gcs-xml': { conditions: 'ignored', partEtags: 'other' },
};

const openRig = async (options: S3ServerOptions) => {
  const server = await startS3Server({ buckets: ['backups'], ...options });
  const { region } = profileOf(options.profile ?? 'target');
  const store = openS3({
    ...{ endpoint: server.url, region, bucket: 'backups', style: 'path' as const },
    ...{ ...testUser, clock },
  });
  return {
    server,
    probe: () => probeServer(targetIn(store), clock),
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await server.close();
    },
  };
};

/** On a busy machine a request takes its time. */
const isNear = (seconds: number): boolean => Math.abs(seconds) <= 60;

describe('what a server really does', () => {
  for (const profile of Object.keys(s3Profiles) as S3ProfileName[])
    it(`is found with at most ten requests, and nothing is left: ${s3Profiles[profile].title}`, async () => {
      await using rig = await openRig({ profile });
      const found = await rig.probe();
      assert.ok(isNear(found.clockAheadSeconds), String(found.clockAheadSeconds));
      const expected = { ...asPromised, ...differences[profile] };
      assert.deepEqual({ ...found, clockAheadSeconds: 0 }, expected);
      const { requests, contents } = rig.server;
      const asked = requests.map(({ operation }) => operation);
      // RadosGW 16 names no ETag at the end of an upload, so it is asked for it.
      const most = profile === 'radosgw-16-versioned' ? 11 : 10;
      assert.ok(asked.length <= most, asked.join(' '));
      assert.deepEqual(contents.keys('backups'), []);
      assert.equal(contents.bucket('backups').uploads.size, 0);
    });

  it('is no use when it lists in another order than S3', async () => {
    await using rig = await openRig({ quirks: ['sorts-folders-by-name'] });
    const { message } = await rejectsWithCode(rig.probe(), 'store-refused');
    assert.match(message, /not in the order of S3, as SeaweedFS does/);
    assert.ok(message.length + ' [store-refused]'.length <= longestMessage);
    assert.deepEqual(rig.server.contents.keys('backups'), []);
  });

  it('is no use either when it takes not every key besides', async () => {
    await using rig = await openRig({ quirks: ['sorts-folders-by-name', 'refuses-long-segments'] });
    await rejectsWithCode(rig.probe(), 'store-refused');
    assert.deepEqual(rig.server.contents.keys('backups'), []);
  });

  it('takes a key that is answered 500 for one that the server does not take', async () => {
    await using rig = await openRig({});
    const fault = { answer: 500 } as const;
    rig.server.fail({ operation: 'CompleteMultipartUpload', times: Infinity, fault });
    assert.equal((await rig.probe()).keys, 'limited');
    assert.equal(rig.server.contents.bucket('backups').uploads.size, 0);
  });

  for (const quirk of [
    'spoils-tags',
    'refuses-odd-tags',
    'takes-ascii-tags',
    'refuses-tags',
  ] as const)
    it(`says of a server that ${quirk} that it does not take every tag`, async () => {
      await using rig = await openRig({ quirks: [quirk] });
      assert.equal((await rig.probe()).tags, 'refused');
    });

  for (const quirk of ['numbers-etags', 'invents-etags'] as const)
    it(`is found behind a gateway that ${quirk}`, async () => {
      await using rig = await openRig({ quirks: [quirk] });
      const { digests, tags, keys } = await rig.probe();
      assert.deepEqual({ digests, tags, keys }, { digests: 'checked', tags: 'kept', keys: 'any' });
      assert.deepEqual(rig.server.contents.keys('backups'), []);
    });

  it('is told of a key that may write, but no tags', async () => {
    await using rig = await openRig({});
    rig.server.fail({
      operation: 'PutObject',
      nth: 1,
      fault: { answer: 403, code: 'AccessDenied' },
    });
    assert.equal((await rig.probe()).tags, 'refused');
  });

  it('is not found when the server is away', async () => {
    await using rig = await openRig({});
    await rig.server.close();
    await rejectsWithCode(rig.probe(), 'store-unreachable');
  });

  it('includes how far the clocks are apart, and what follows from it', async () => {
    const sixMinutes = 6 * 60_000;
    await using rig = await openRig({ now: () => new Date(Date.now() + sixMinutes) });
    const found = await rig.probe();
    assert.ok(isNear(found.clockAheadSeconds + 360), String(found.clockAheadSeconds));
    assert.match(serverWarnings(found).join(), /is \dm\d+s behind .* No set is removed/);
    assert.deepEqual(serverWarnings(asPromised), []);
  });

  it('is told in a line', () => {
    assert.equal(
      serverText({ ...asPromised, tags: 'refused', keys: 'limited', partEtags: 'unknown' }),
      'conditions heeded, Content-MD5 checked, does not take every tag (the object list keeps them), does not take every key, clocks agree',
    );
    assert.match(
      serverText({ ...asPromised, versions: 'kept', objectLock: 'on' }),
      /ETags of parts as in S3, keeps versions, Object Lock, clocks agree$/,
    );
    assert.match(
      serverText({ ...asPromised, clockAheadSeconds: -90 }),
      /its clock is 1m30s ahead of ours/,
    );
  });
});
