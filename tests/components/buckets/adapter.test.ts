import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { systemClock } from '../../../src/adapters/clock.ts';
import { openS3 } from '../../../src/adapters/s3/s3.ts';
import { createBandwidth } from '../../../src/components/buckets/bandwidth.ts';
import { CharmError } from '../../../src/errors.ts';
import type { Clock, ObjectStore } from '../../../src/world.ts';
import { startS3Server, testUser, type S3Server } from '../../servers/s3/server.ts';
import type { S3NewObject } from '../../servers/s3/contents.ts';
import type { S3Fault, S3FaultAction } from '../../servers/s3/faults.ts';
import type { S3ProfileName } from '../../servers/s3/profiles.ts';
import { openMirrorRigBetween, history, mirror } from '../../rigs/mirror.ts';

const mebi = 2 ** 20;

/** Real time for what the servers see, but pauses between attempts are short. */
const hastyClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, Math.min(milliseconds, 5));
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      });
    }),
};

const open = (server: S3Server, bucket: string, patience: number): ObjectStore =>
  openS3({
    endpoint: server.url,
    region: undefined,
    bucket,
    ...testUser,
    style: 'path',
    clock: hastyClock,
    attempts: 2,
    timeouts: { connect: patience, reply: patience, silence: patience, slowReply: patience },
  });

const whole: readonly S3NewObject[] = [
  {
    key: 'empty \u{1f680}',
    content: '',
    contentType: 'text/plain',
    headers: { 'x-amz-meta-of': 'run' },
    tags: { team: 'ml and co' },
  },
  { key: 'streamed', content: Buffer.alloc(mebi + 1, 's') },
];

const inParts: readonly S3NewObject[] = [
  { key: 'parts', content: Buffer.alloc(5 * mebi + 1, 'p'), partSize: 5 * mebi },
];

interface Servers extends AsyncDisposable {
  readonly source: S3Server;
  readonly target: S3Server;
}

const startServers = async (from: S3ProfileName, to: S3ProfileName): Promise<Servers> => {
  const source = await startS3Server({ profile: from });
  const target = await startS3Server({ profile: to });
  return {
    source,
    target,
    [Symbol.asyncDispose]: async () => {
      await source.close();
      await target.close();
    },
  };
};

interface Rig extends AsyncDisposable {
  readonly from: ObjectStore;
  readonly to: ObjectStore;
}

/** A bucket of this name on each server. */
const openRig = ({ source, target }: Servers, bucket: string, patience = 10_000): Rig => {
  source.contents.bucket(bucket);
  target.contents.bucket(bucket);
  const from = open(source, bucket, patience);
  const to = open(target, bucket, patience);
  return {
    from,
    to,
    [Symbol.asyncDispose]: async () => {
      await from[Symbol.asyncDispose]();
      await to[Symbol.asyncDispose]();
    },
  };
};

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const assertMirrored = async ({ from, to }: Rig): Promise<void> => {
  for await (const { key } of from.list('')) {
    const [mine, theirs] = [await from.read(key), await to.read(mirror + key)];
    assert.equal(sha256(theirs), sha256(mine), key);
  }
};

describe('copying between S3 servers', () => {
  for (const [from, to] of [
    ['minio-2021', 'target'],
    ['minio-2021', 'radosgw-16'],
    ['radosgw-16', 'target'],
  ] as const)
    it(`copies all that there is from ${from} to ${to}, metadata and tags included`, async () => {
      await using servers = await startServers(from, to);
      await using rig = openRig(servers, 'mlpipeline');
      servers.source.contents.put('mlpipeline', ...whole, ...inParts);
      await using mirrorRig = await openMirrorRigBetween(rig.from, rig.to);
      const pass = await mirrorRig.pass();
      assert.equal(pass.listed, 3);
      await assertMirrored(rig);
      const list = await mirrorRig.list();
      for (const line of list) assert.equal(line.mirrorEtag, undefined, line.key);
      const key = 'empty \u{1f680}';
      const copied = await rig.to.get(mirror + key);
      copied.body.destroy();
      assert.equal(copied.metadata.contentType, 'text/plain');
      assert.deepEqual(copied.metadata.user, { of: 'run' });
      assert.deepEqual(await rig.to.tags(mirror + key), { team: 'ml and co' });
      await rig.from.put(key, 'changed');
      servers.source.requests.length = servers.target.requests.length = 0;
      const second = await mirrorRig.pass();
      assert.equal(second.archived, 1);
      assert.deepEqual(servers.source.requests.map(({ operation }) => operation).sort(), [
        'GetObject',
        'ListObjectsV2',
      ]);
      assert.deepEqual(servers.target.requests.map(({ operation }) => operation).sort(), [
        'CopyObject',
        'HeadObject',
        // Once before the copy is made, and once to see that it was.
        'HeadObject',
        'ListMultipartUploads',
        'ListObjectsV2',
        'PutObject',
      ]);
      assert.equal((await rig.to.read(`${history}${key}/${list[0]!.etag}`)).toString(), '');
    });

  it('holds a bandwidth on the wire', async () => {
    await using servers = await startServers('target', 'target');
    await using rig = openRig(servers, 'mlpipeline');
    await rig.from.put('large', Buffer.alloc(2 * mebi));
    await using mirrorRig = await openMirrorRigBetween(rig.from, rig.to);
    const bandwidth = createBandwidth([{ minute: 0, bytesPerSecond: 4 * mebi }], systemClock);
    const pass = await mirrorRig.pass({ clock: systemClock, bandwidth });
    assert.ok(pass.seconds > 0.35, String(pass.seconds));
    await assertMirrored(rig);
  });
});

const faults: readonly (readonly [string, S3FaultAction])[] = [
  ['is reset', { reset: 'before' }],
  ['is reset halfway', { reset: 'during' }],
  ['is done but reset before the reply', { reset: 'after' }],
  ['is answered 503 SlowDown', { answer: 503, code: 'SlowDown' }],
  ['gets only a part of its reply', { truncate: 3 }],
  ['gets a wrong ETag', { etag: '0'.repeat(32) }],
  ['gets no reply', { stall: 'reply' }],
  ['gets a reply that stops halfway', { stall: 'body' }],
  ['has a bit turned over', { flip: true }],
];

/**
 * A copy of which one request, the nth of this bucket, fails. Whatever comes of it, it is exact or
 * says why not. Returns how many requests there were.
 */
const failOne = async (
  servers: Servers,
  side: 'source' | 'target',
  objects: readonly S3NewObject[],
  plan: Pick<S3Fault, 'operation' | 'fault'> & { readonly nth: number },
): Promise<number> => {
  const { source, target } = servers;
  const bucket = `${objects[0]?.key.slice(0, 5) ?? ''}-${plan.nth}`;
  await using rig = openRig(servers, bucket, 400);
  source.contents.put(bucket, ...objects);
  target.contents.put(bucket, { key: `${mirror}empty \u{1f680}`, content: 'an older one' });
  const ofBucket = (): number =>
    servers[side].requests.filter((request) => request.bucket === bucket).length;
  const before = ofBucket();
  servers[side].fail({ ...plan, bucket });
  await using mirrorRig = await openMirrorRigBetween(rig.from, rig.to);
  const outcome = await mirrorRig.pass({ clock: hastyClock }).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome === undefined) {
    assert.equal((await mirrorRig.list()).length, objects.length);
    for (const key of source.contents.keys(bucket))
      assert.ok(
        target.contents.read(bucket, mirror + key).equals(source.contents.read(bucket, key)),
        key,
      );
  } else assert.ok(outcome instanceof CharmError);
  assert.equal(target.contents.bucket(bucket).uploads.size, 0);
  return ofBucket() - before;
};

describe('a request of a copy', () => {
  for (const [what, fault] of faults)
    for (const side of ['source', 'target'] as const)
      it(`that ${what} at the ${side} harms nothing, whichever request it is`, async () => {
        await using servers = await startServers('minio-2021', 'target');
        // A listing has no digest, so nobody could tell.
        const operation = 'flip' in fault ? { operation: /^(Get|Put)Object$|^UploadPart$/ } : {};
        for (const objects of [whole, inParts]) {
          const needed = await failOne(servers, side, objects, { nth: 1000, fault });
          assert.ok(needed >= 4);
          await Promise.all(
            Array.from({ length: needed }, (_, index) =>
              failOne(servers, side, objects, { nth: index + 1, fault, ...operation }),
            ),
          );
        }
      });
});
