import assert from 'node:assert/strict';
import { backupIdAt, type BackupId } from '../../src/repository/layout.ts';
import { shardLayoutOf } from '../../src/repository/shard-layout.ts';
import { CharmError } from '../../src/errors.ts';
import { clearDebris } from '../../src/retention/debris.ts';
import { bucket, createVault, layout, type Death, type Vault } from '../rigs/vault.ts';

const later = '2027-01-01T00:00:00Z' as BackupId;

describe('clearDebris', () => {
  let vault: Vault;
  beforeEach(async () => {
    vault = await createVault();
    vault.source.seed('a', '1');
    await vault.backUp();
  });
  afterEach(() => vault[Symbol.asyncDispose]());

  const clear = (olderThan = later) =>
    clearDebris(vault.target, layout, { olderThan, buckets: [bucket] });
  const keysOf = (id: BackupId) =>
    [...vault.store.objects.keys()].filter(
      (key) => key.startsWith(layout.set(id)) || key === layout.mlmdDump(id),
    );

  for (const dies of ['while copying', 'after the dump', 'before the manifest'] as Death[]) {
    it(`takes away what a backup left that died ${dies}`, async () => {
      const dead = await vault.backUp({ dies });
      assert.notEqual(keysOf(dead).length, 0);
      assert.deepEqual((await clear()).backups, [dead]);
      assert.deepEqual(keysOf(dead), []);
    });
  }

  it('leaves complete sets, and what was copied to the mirror, as they are', async () => {
    const before = [...vault.store.objects.keys()].filter((key) => !key.endsWith('started.json'));
    vault.source.seed('b', '2');
    await vault.backUp({ dies: 'while copying' });
    await clear();
    assert.deepEqual([...vault.store.objects.keys()], [...before, 'ckf/mlpipeline/b'].sort());
  });

  it('takes away the mark of a backup that died right after its manifest, and nothing else of it', async () => {
    const complete = await vault.backUp();
    const before = [...vault.store.objects.keys()].filter((key) => !key.endsWith('started.json'));
    vault.store.seed(layout.started(complete), '{}');
    const shards = shardLayoutOf('ckf', complete, 'run');
    vault.store.seed(shards.done(7, 'of-a-unit-that-froze'), '{}');
    assert.deepEqual((await clear()).backups, []);
    assert.deepEqual([...vault.store.objects.keys()], before);
  });

  it('takes away what units say that verify a set together only when they are silent', async () => {
    const set = await vault.backUp();
    const { plan, units } = shardLayoutOf('ckf', set, 'run');
    vault.store.seed(plan, '{}');
    vault.store.seed(units.of('leader'), '{}');
    const clearNow = () =>
      clearDebris(vault.target, layout, {
        olderThan: backupIdAt(vault.world.clock.now()),
        buckets: [],
      });
    vault.pass(600);
    await clearNow();
    assert.ok(vault.store.objects.has(plan) && vault.store.objects.has(units.of('leader')));
    vault.pass(3600);
    await clearNow();
    assert.ok(!vault.store.objects.has(plan) && !vault.store.objects.has(units.of('leader')));
  });

  it('takes away the object that a check wrote and could not delete', async () => {
    await clear();
    const left = layout.writeTest('0e0f8a4c-94d5-4d3e-a0a5-4b7c1e3d2f10');
    vault.store.seed(left, 'a check was here');
    vault.store.seed(layout.writeTest('of-somebody'), 'not ours');
    assert.deepEqual(await clear(), { backups: [], objects: 1 });
    assert.ok(!vault.store.objects.has(left));
    assert.ok(vault.store.objects.has(layout.writeTest('of-somebody')));
  });

  it('takes away what databases made for a backup that died, and nothing that a set names', async () => {
    const dead = await vault.backUp({ dies: 'before the manifest' });
    const complete = await vault.backUp();
    const path = layout.databasePath('kfp-db', 1);
    const noted = [dead, complete].map((backupId) => ({ component: 'kfp-db', path, backupId }));
    const foreign = { component: 'kfp-db', path: 'elsewhere', backupId: dead };
    vault.store.seed(`elsewhere/${dead}.md5`, 'not ours');
    vault.store.seed(
      layout.started(dead),
      JSON.stringify({ id: dead, scales: [], databases: [...noted, foreign] }),
    );
    const before = [...vault.store.objects.keys()];
    await clear();
    const gone = before.filter((key) => !vault.store.objects.has(key));
    const ofDatabase = gone.filter((key) => key.startsWith(`${path}/`));
    assert.equal(ofDatabase.length, 5);
    assert.ok(ofDatabase.every((key) => key.startsWith(`${path}/${dead}`)));
    assert.ok(!gone.some((key) => key.startsWith('elsewhere/')));
  });

  it('leaves the backup that is running alone', async () => {
    const running = await vault.backUp({ dies: 'before the manifest' });
    const before = keysOf(running);
    assert.deepEqual((await clear(running)).backups, []);
    assert.deepEqual(keysOf(running), before);
  });

  it('leaves a dump that belongs to no backup of this charm, though it has such a name', async () => {
    const key = 'ckf/mlmd/mlmd-2026-11-01-09-00-00.dump.gz';
    vault.store.seed(key, 'made by hand, as in the guide');
    await clear();
    assert.ok(vault.store.bucket.find(key));
  });

  it('leaves what somebody else put into the folder of a dead backup', async () => {
    const dead = await vault.backUp({ dies: 'before the manifest' });
    vault.store.seed(`${layout.set(dead)}why.txt`, 'a note');
    await clear();
    assert.deepEqual(keysOf(dead), [`${layout.set(dead)}why.txt`]);
  });

  it("aborts the uploads of dead backups, and not those of the databases or of others' keys", async () => {
    const { store } = vault;
    const ours = ['ckf/mlpipeline/big', 'ckf/history/mlpipeline/big/e', 'ckf/mlmd/mlmd-x.dump.gz'];
    const others = ['ckf/kfp-db/binlogs/binlog.000002', 'ckf/mlpipeline2/big', 'elsewhere/big'];
    for (const key of [...ours, 'ckf/sets/x/list', ...others]) await store.startParts(key, {});
    await clear();
    assert.deepEqual(
      [...store.bucket.uploads.values()].map(({ key }) => key),
      others,
    );
  });

  it('does without the list of uploads where the server does not give it', async () => {
    vault.store.failNext('unfinishedUploads', new CharmError('store-denied', 'no'));
    const dead = await vault.backUp({ dies: 'after the dump' });
    vault.store.failNext('unfinishedUploads', new CharmError('store-denied', 'no'));
    await clear();
    assert.deepEqual(keysOf(dead), []);
  });
});
