import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { CharmError, hasCode, orProblem } from '../../src/errors.ts';
import { readObjectStorage } from '../../src/relations/object-storage.ts';
import { readS3Location } from '../../src/relations/s3-location.ts';
import { backupIdAt, layoutOf } from '../../src/repository/layout.ts';
import { readObjectList } from '../../src/repository/object-list.ts';
import { listSets, newestOfBuckets } from '../../src/repository/sets.ts';
import { runRestore } from '../../src/restore/run-restore.ts';
import { deleteSet, pruneSets } from '../../src/retention/prune.ts';
import { verifySet } from '../../src/verify/verify-set.ts';
import type { World } from '../../src/world.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { aConfig } from '../rigs/config.ts';
import { aRestoreWorld, type RestoreWorldRig } from '../rigs/restore-world.ts';
import { hostileObjectStorage, hostileS3 } from './databags.ts';
import { hostileDumps } from './dumps.ts';
import { hostileLists } from './lists.ts';
import { hostileManifests } from './manifests.ts';

const id = backupIdAt(new Date('2026-11-21T20:15:00Z'));
const layout = layoutOf('ckf');
const keep = { last: 1, daily: 0, weekly: 0, monthly: 0 };

/**
 * Every operation that reads what lies in the bucket; those that change something are let do it.
 */
const operations: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
  'list-backups': async (world) => listSets(await world.openTarget(), { limit: 20 }),
  'the look at the last sizes': async (world) =>
    newestOfBuckets(await world.openTarget(), ['mlpipeline']),
  'verify-backup': async (world) =>
    verifySet(world, { transfers: 4, copyProcesses: 1 }, await world.openTarget(), {
      id,
      deep: true,
    }),
  'restore-control-plane': (world) =>
    runRestore(world, aConfig(), {
      ...{ backupId: id, components: undefined, dryRun: false, deleteExtra: false },
      ...{
        allowRunning: false,
        allowDamaged: true,
        allowUnsigned: true,
        thaw: false,
        renamed: new Map(),
      },
      ...{ confirm: 'kubeflow', fromModel: undefined, takeOver: false, timeoutSeconds: 60 },
    }),
  prune: async (world) => pruneSets(world, { keep }, await world.openTarget(), { dryRun: false }),
  'delete-backup': async (world) =>
    deleteSet(world, await world.openTarget(), id, { dryRun: false }),
};

/** An operation ends, in success or in words, and touches neither the model nor MinIO. */
const survives = async (rig: RestoreWorldRig, name: string): Promise<void> => {
  rig.source.seed('kept', 'what is in MinIO');
  const outcome = await orProblem(async () => operations[name]?.(rig.whole));
  if (name === 'restore-control-plane' || name === 'verify-backup') {
    const found = outcome as { readonly damages?: number };
    assert.ok(outcome instanceof CharmError || (found.damages ?? 0) > 0, name);
  }
  assert.deepEqual([...rig.source.objects.keys()], ['kept']);
  for (const { restores } of Object.values(rig.databases)) assert.deepEqual(restores, []);
  for (const name of ['kfp-db', 'katib-db', 'mlmd', 'kfp-metadata-writer'])
    assert.equal(rig.model.application(name).scale, 1, name);
};

describe('what somebody put into the bucket who wishes us ill', () => {
  for (const operation of Object.keys(operations)) {
    it(`harms nothing when ${operation} meets it: manifests`, async () => {
      for (const [, manifest] of hostileManifests) {
        using rig = aRestoreWorld();
        rig.target.seed(layout.manifest(id), JSON.stringify(manifest));
        await survives(rig, operation);
      }
    });

    it(`harms nothing when ${operation} meets it: object lists`, async () => {
      for (const { object } of hostileLists) {
        using rig = aRestoreWorld();
        const [bucket] = rig.manifest.buckets;
        assert.ok(bucket);
        const { key } = rig.target.seed(bucket.list.key, object);
        // The manifest is theirs too, so that every checksum is right.
        const list = { key, size: object.length, sha256: sha256(object) };
        const manifest = { ...rig.manifest, buckets: [{ ...bucket, list }] };
        rig.target.seed(layout.manifest(id), JSON.stringify(manifest));
        await survives(rig, operation);
      }
    });
  }

  it('harms nothing when restore-control-plane and verify-backup meet it: dumps', async () => {
    for (const { object } of hostileDumps)
      for (const operation of ['verify-backup', 'restore-control-plane']) {
        using rig = aRestoreWorld();
        const { mlmd } = rig.manifest;
        assert.ok(mlmd);
        rig.target.seed(mlmd.key, object);
        const theirs = { ...mlmd, size: object.length, sha256: sha256(object) };
        const manifest = {
          ...rig.manifest,
          components: ['mlmd'],
          databases: [],
          buckets: [],
          mlmd: theirs,
        };
        rig.target.seed(layout.manifest(id), JSON.stringify(manifest));
        await survives(rig, operation);
      }
  });

  for (const { name, object } of hostileLists)
    it(`is refused as an object list: ${name}`, async () => {
      const read = Array.fromAsync(readObjectList(Readable.from([object]), 'of the test'));
      await rejectsWithCode(read, 'manifest-invalid');
    });
});

describe('what a charm sends over a relation that wishes us ill', () => {
  const good = { bucket: 'backups', 'access-key': 'AK', 'secret-key': 'hushhush' };
  const isRefused = (error: unknown): boolean =>
    hasCode(error, 'relation-invalid') &&
    error.message.length <= 400 &&
    !error.message.includes('hushhush');

  for (const [name, change] of hostileS3)
    it(`is refused over s3: ${name}`, () => {
      assert.throws(
        () => readS3Location('s3', { ...good, ...change }, undefined, undefined),
        isRefused,
      );
    });
  for (const [name, data] of hostileObjectStorage)
    it(`is refused over object-storage: ${name}`, () => {
      assert.throws(() => readObjectStorage('minio', { data }), isRefused);
    });
});

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
