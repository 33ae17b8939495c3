import assert from 'node:assert/strict';
import { applyRetention, pruneSets } from '../../src/retention/prune.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { createVault, layout, type Vault } from '../rigs/vault.ts';

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

  it('keeps the newest consistent set beside newer ones that are not', async () => {
    await vault.backUp();
    const consistent = await vault.backUp();
    await vault.backUp({ consistent: false });
    const newest = await vault.backUp({ consistent: false });
    await prune({ last: 1 });
    assert.deepEqual(listed(), [layout.manifest(consistent), layout.manifest(newest)]);
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
    vault.store.list = () => assert.fail('asked S3');
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
    vault.store.get = () => assert.fail('read a list');
    const report = await applyRetention(vault.world, { keep: { ...none, last: 5 } }, vault.target);
    assert.deepEqual(report?.removed, []);
  });
});
