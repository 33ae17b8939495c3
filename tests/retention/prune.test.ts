import assert from 'node:assert/strict';
import { applyRetention, pruneSets } from '../../src/retention/prune.ts';
import { backupIdAt } from '../../src/repository/layout.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { createVault, layout, type Vault } from '../rigs/vault.ts';
import { intercept } from '../rigs/intercept.ts';

const none = { last: 0, daily: 0, weekly: 0, monthly: 0 };

describe('pruneSets', () => {
  let vault: Vault;
  beforeEach(async () => {
    vault = await createVault();
    vault.source.seed('a', '1');
  });
  afterEach(() => vault[Symbol.asyncDispose]());

  const prune = (keep: Partial<typeof none>, dryRun = false) =>
    pruneSets(vault.world, { keep: { ...none, ...keep } }, vault.target, { dryRun });
  const listed = () =>
    [...vault.store.objects.keys()].filter((key) => key.endsWith('manifest.json'));

  it('does nothing under a path without sets', async () => {
    const before = [...vault.store.objects.keys()];
    assert.deepEqual(await prune({ last: 1 }), {
      removed: [],
      leftovers: [],
      kept: 0,
      objects: 0,
      bytes: 0,
    });
    assert.deepEqual([...vault.store.objects.keys()], before);
  });

  it('removes the sets that the policy does not keep', async () => {
    const first = await vault.backUp();
    const second = await vault.backUp();
    const third = await vault.backUp();
    assert.deepEqual((await prune({ last: 1 })).removed, [second, first]);
    assert.deepEqual(listed(), [layout.manifest(third)]);
  });

  it('keeps the newest consistent set although newer ones are not consistent', async () => {
    await vault.backUp();
    const consistent = await vault.backUp();
    await vault.backUp({ consistent: false });
    const newest = await vault.backUp({ consistent: false });
    await prune({ last: 1 });
    assert.deepEqual(listed(), [layout.manifest(consistent), layout.manifest(newest)]);
  });

  it('keeps the last set that has the buckets, and their objects, behind any number of others', async () => {
    const full = await vault.backUp();
    for (let night = 0; night < 7; night += 1)
      await vault.backUp({
        changes: { components: ['mlmd'], databases: [], buckets: [] },
      });
    await prune({ last: 7 });
    assert.equal(listed().length, 8);
    assert.equal((await vault.restored(full)).size, 1);
  });

  for (const [what, seconds] of Object.entries({ 'ten minutes ahead': 600, 'a day ahead': 86_400 }))
    it(`keeps what a set needs that a clock made which was ${what}, and removes nothing until the clocks agree`, async () => {
      await vault.backUp();
      vault.pass(seconds);
      vault.source.seed('b', '2');
      const later = await vault.backUp();
      vault.pass(-seconds - 3600);
      const before = [...vault.store.objects.keys()];
      const { message } = await rejectsWithCode(prune({ last: 1 }), 'clock-wrong');
      assert.match(message, new RegExp(later));
      assert.deepEqual([...vault.store.objects.keys()], before);
      assert.equal((await vault.restored(later)).size, 2);
    });

  for (const [what, seconds] of Object.entries({ behind: -90, 'ahead of': 90 }))
    it(`removes nothing while the clock of the unit is ${what} that of S3, and says so`, async () => {
      const first = await vault.backUp();
      await vault.backUp();
      const { clock } = vault.world;
      const now = (): Date => new Date(clock.now().getTime() + seconds * 1000);
      const removal = pruneSets(
        { ...vault.world, clock: { ...clock, now } },
        { keep: { ...none, last: 1 } },
        vault.target,
        { dryRun: false },
      );
      const { message } = await rejectsWithCode(removal, 'clock-wrong');
      assert.match(message, new RegExp(`1m30s ${what}`));
      await vault.restored(first);
    });

  it('removes nothing while there is a set of which not even the name is understood', async () => {
    await vault.backUp();
    await vault.backUp();
    vault.store.seed('ckf/sets/2027-W03/manifest.json', '{}');
    const before = [...vault.store.objects.keys()];
    await rejectsWithCode(prune({ last: 1 }), 'manifest-invalid');
    assert.deepEqual([...vault.store.objects.keys()], before);
  });

  it('keeps what lay in the mirror before the first set, though the clock of that backup was a week behind', async () => {
    await using young = await createVault();
    const { store } = young;
    store.seed(`${layout.mirror('mlpipeline')}copied by hand`, 'yesterday');
    young.source.seed('a', '1');
    const first = await young.backUp();
    const behind = backupIdAt(new Date(Date.parse(first) - 7 * 86_400_000));
    const { buckets, ...manifest } = young.manifest(first);
    const list = { ...buckets[0]!.list, key: layout.objectList(behind, 'mlpipeline') };
    store.seed(list.key, store.bucket.get(layout.objectList(first, 'mlpipeline')).bytes);
    const mlmd = { ...manifest.mlmd!, key: layout.mlmdDump(behind) };
    const moved = { ...manifest, id: behind, mlmd, buckets: [{ ...buckets[0]!, list }] };
    store.seed(layout.manifest(behind), JSON.stringify(moved));
    for (const key of [layout.manifest(first), layout.objectList(first, 'mlpipeline')])
      store.bucket.remove(key);
    await young.backUp();
    await pruneSets(young.world, { keep: { ...none, last: 1 } }, young.target, { dryRun: false });
    assert.ok(store.bucket.find(`${layout.mirror('mlpipeline')}copied by hand`));
  });

  it('keeps all sets while there is no policy, and clears what dead backups left', async () => {
    await vault.backUp();
    const dead = await vault.backUp({ dies: 'before the manifest' });
    const report = await prune({});
    assert.deepEqual(report.removed, []);
    assert.deepEqual(report.leftovers, [dead]);
    assert.equal(report.objects, 3);
    assert.deepEqual(
      [...vault.store.objects.keys()].filter((key) => key.includes(layout.set(dead))),
      [],
    );
  });

  it('clears what the very first backup left when it died', async () => {
    const dead = await vault.backUp({ dies: 'before the manifest' });
    vault.pass(60);
    assert.deepEqual((await prune({ last: 3 }, true)).leftovers, [dead]);
    await prune({ last: 3 });
    assert.equal(vault.store.bucket.find(layout.mlmdDump(dead)), undefined);
  });

  it('says in a dry run what it then does, and writes nothing meanwhile', async () => {
    await vault.backUp();
    vault.source.seed('a', '2');
    await vault.backUp();
    const before = vault.store.objects;
    const dry = await prune({ last: 1 }, true);
    assert.deepEqual(vault.store.objects, before);
    assert.deepEqual(await prune({ last: 1 }), dry);
    assert.ok(dry.objects > 0);
  });

  it('removes nothing while a manifest cannot be read, and names the set', async () => {
    const spoilt = await vault.backUp();
    await vault.backUp();
    await vault.backUp();
    vault.store.seed(layout.manifest(spoilt), 'not JSON');
    const before = [...vault.store.objects.keys()];
    const error = await rejectsWithCode(prune({ last: 1 }), 'manifest-invalid');
    assert.match(error.message, new RegExp(spoilt));
    assert.deepEqual([...vault.store.objects.keys()], before);
  });

  it('forgets an object that was copied ahead and vanished before the set was complete', async () => {
    await vault.backUp();
    vault.pass(10);
    vault.store.seed('ckf/mlpipeline/vanished', 'copied, but in no list');
    await vault.backUp();
    await prune({});
    assert.equal(vault.store.bucket.find('ckf/mlpipeline/vanished'), undefined);
  });
});

describe('applyRetention', () => {
  it('does nothing while there is no policy, not even a request', async () => {
    await using vault = await createVault();
    await vault.backUp();
    intercept(vault.store, 'list', () => () => assert.fail('asked S3'));
    assert.equal(await applyRetention(vault.world, { keep: none }, vault.target), undefined);
  });

  it('removes what the policy does not keep', async () => {
    await using vault = await createVault();
    const first = await vault.backUp();
    await vault.backUp();
    const report = await applyRetention(vault.world, { keep: { ...none, last: 1 } }, vault.target);
    assert.deepEqual(report?.removed, [first]);
  });

  it('reads no object list when all sets are kept', async () => {
    await using vault = await createVault();
    await vault.backUp();
    intercept(vault.store, 'get', () => () => assert.fail('read a list'));
    const report = await applyRetention(vault.world, { keep: { ...none, last: 5 } }, vault.target);
    assert.deepEqual(report?.removed, []);
  });
});
