import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { openS3 } from '../../src/adapters/s3/s3.ts';
import { runBackup } from '../../src/backup/run-backup.ts';
import { listSets } from '../../src/repository/sets.ts';
import { runRestore } from '../../src/restore/run-restore.ts';
import { pruneSets } from '../../src/retention/prune.ts';
import { verifySet } from '../../src/verify/verify-set.ts';
import type { BackupId } from '../../src/repository/layout.ts';
import type { ObjectMetadata, ObjectStore, World } from '../../src/world.ts';
import { hastyClock } from '../fakes/hasty-clock.ts';
import { aBackupWorld } from '../rigs/backup-world.ts';
import { aConfig } from '../rigs/config.ts';
import { sourceIn, targetIn } from '../rigs/target.ts';
import { profileOf, s3Profiles, type S3ProfileName } from '../servers/s3/profiles.ts';
import { startS3Server, testUser } from '../servers/s3/server.ts';

const mebi = 2 ** 20;
const config = aConfig({ components: ['mlpipeline'] });
const request = { allowRunning: false, allowShrink: false, takeOver: false, timeoutSeconds: 60 };
const metadata: Partial<ObjectMetadata> = {
  contentType: 'text/plain',
  user: { author: 'Jürgen' },
  tags: { team: 'red, blue (ü)', of: 'run 1' },
};

/** The bucket of a model whose backups go to a server of this kind. */
const openRig = async (profile: S3ProfileName) => {
  const stack = new AsyncDisposableStack();
  const rig = stack.use(aBackupWorld());
  const clock = hastyClock();
  const now = (): Date => clock.now();
  const start = async (bucket: string, name: S3ProfileName) => {
    const server = stack.use(await startS3Server({ profile: name, buckets: [bucket], now }));
    const { region } = profileOf(name);
    const store = stack.use(
      openS3({
        ...{ endpoint: server.url, region, bucket, style: 'path' as const },
        ...{ ...testUser, clock },
      }),
    );
    return { server, store };
  };
  const minio = await start('mlpipeline', 'minio-2021');
  const target = await start('backups', profile);
  // An operation closes what it opened.
  const open = (store: ObjectStore): ObjectStore => ({
    ...store,
    [Symbol.asyncDispose]: async () => undefined,
  });
  const world: World = {
    ...rig.whole,
    clock,
    openTarget: async () => targetIn(open(target.store)),
    openSource: async (bucket) => sourceIn(open(minio.store), bucket),
  };
  const moved = stack.move();
  return {
    ...{ minio, target, world, clock },
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
};

const backUp = async (world: World) => (await runBackup(world, config, request)).manifest;

const restore = (world: World, backupId: BackupId) =>
  runRestore(world, config, {
    ...{ ...request, backupId, components: ['mlpipeline'], dryRun: false, deleteExtra: true },
    ...{ allowDamaged: false, thaw: false, confirm: 'kubeflow', fromModel: undefined },
    ...{ renamed: new Map(), allowUnsigned: false },
  });

/** Everything of a bucket that a restore has to bring back. */
const pictureOf = async (store: ObjectStore): Promise<Readonly<Record<string, unknown>>> => {
  const picture: Record<string, unknown> = {};
  for await (const { key, etag } of store.list('')) {
    const { bytes, metadata: found } = await store.fetch(key);
    picture[key] = [etag, bytes.toString('base64'), found, await store.tags(key)];
  }
  return picture;
};

const fill = async (store: ObjectStore): Promise<void> => {
  await store.put('artifacts/a b+ü.log', 'a log', { metadata });
  await store.put('artifacts/packed', gzipSync('a log'), {
    metadata: { contentEncoding: 'gzip', user: {} },
  });
  await store.put('pipelines/1', 'kind: Pipeline');
  await store.put('pipelines/2', '');
  const parts = await store.startParts('artifacts/large', metadata);
  for (const [index, size] of [5 * mebi, 3].entries())
    await parts.put(index + 1, Buffer.alloc(size, 'l'), size);
  await parts.complete();
};

describe('the life of sets on servers as they are', () => {
  for (const profile of Object.keys(s3Profiles) as S3ProfileName[])
    it(`goes from two backups by their restores to pruning: ${s3Profiles[profile].title}`, async () => {
      await using rig = await openRig(profile);
      const { minio, target, world, clock } = rig;
      await fill(minio.store);
      const before = await pictureOf(minio.store);
      const first = await backUp(world);
      clock.pass(3600);
      await minio.store.put('pipelines/1', 'kind: Changed', { metadata: { tags: { new: 'tag' } } });
      await minio.store.put('artifacts/new', 'new');
      await minio.store.delete(['pipelines/2']);
      const after = await pictureOf(minio.store);
      const second = await backUp(world);
      assert.ok(second.buckets[0]!.copied < 4, 'only what changed');

      const there = await world.openTarget();
      const { sets } = await listSets(there, { limit: 20 });
      assert.deepEqual(
        sets.map(({ id }) => id),
        [second.id, first.id],
      );
      const verify = async (id: BackupId) => {
        const found = await verifySet(world, { transfers: 4, copyProcesses: 1 }, there, {
          id,
          deep: true,
        });
        assert.deepEqual([found.first, found.unproven], [[], 0]);
      };
      for (const { id } of [first, second]) await verify(id);

      for (const key of Object.keys(after)) await minio.store.delete([key]);
      await restore(world, first.id);
      assert.deepEqual(await pictureOf(minio.store), before);
      await restore(world, second.id);
      assert.deepEqual(await pictureOf(minio.store), after);

      const keep = { last: 1, daily: 0, weekly: 0, monthly: 0 };
      const { removed } = await pruneSets(world, { keep }, there, { dryRun: false });
      assert.deepEqual(removed, [first.id]);
      await verify(second.id);
      const left = target.server.contents.keys('backups');
      assert.deepEqual(
        left.filter((key) => /history|locks|write-test/.test(key) || key.includes(first.id)),
        [],
      );
      assert.equal(target.server.contents.bucket('backups').uploads.size, 0);
    });
});
