import assert from 'node:assert/strict';
import { CharmError } from '../../src/errors.ts';
import { claimAbove, claimBelow } from '../../src/repository/nested-paths.ts';
import { deleteSet, pruneSets } from '../../src/retention/prune.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { targetIn } from '../rigs/target.ts';
import { createVault, layout } from '../rigs/vault.ts';

const claim = JSON.stringify({
  format: 1,
  model: { name: 'other', uuid: 'uuid-of-other' },
  generations: {},
});
const at = (store: FakeObjectStore, prefix: string) => ({ ...targetIn(store), prefix });

describe('a path inside of another one', () => {
  it('is refused by name, at whatever depth it begins', async () => {
    const store = new FakeObjectStore();
    store.seed('backups/ckf-backup.json', claim);
    for (const prefix of ['backups/mlpipeline', 'backups/a/b/c']) {
      const problem = await claimAbove(at(store, prefix));
      assert.equal(problem?.code, 'prefix-claimed');
      assert.match(problem.message, /lies inside of backups, which is the path of the model other/);
    }
    for (const prefix of ['backups', 'backups2/a', 'other/backups'])
      assert.equal(await claimAbove(at(store, prefix)), undefined);
  });

  it('is refused when the claim above it cannot be understood', async () => {
    const store = new FakeObjectStore();
    store.seed('backups/ckf-backup.json', '{"format": 2}');
    assert.equal((await claimAbove(at(store, 'backups/a')))?.code, 'prefix-claimed');
  });

  it('is allowed when the keys reach no further than the path itself', async () => {
    const store = new FakeObjectStore();
    store.failNext('head', new CharmError('store-denied', 'no'));
    assert.equal(await claimAbove(at(store, 'backups/a')), undefined);
  });
});

describe('a path around another one', () => {
  for (const below of ['ckf/mlpipeline', 'ckf/mlpipeline/team/a', 'ckf/somewhere'])
    it(`is refused by name when it is claimed: ${below}`, async () => {
      const store = new FakeObjectStore();
      store.seed(`${below}/ckf-backup.json`, claim);
      const problem = await claimBelow(at(store, 'ckf'));
      assert.equal(problem?.code, 'prefix-claimed');
      assert.match(problem.message, new RegExp(`${below}.*model other`));
    });

  it('is allowed when an object merely has the name of a claim', async () => {
    const store = new FakeObjectStore();
    store.seed('ckf/mlpipeline/notes/ckf-backup.json', 'a copy by hand');
    assert.equal(await claimBelow(at(store, 'ckf')), undefined);
  });

  it('is not looked for any more once the path is claimed', async () => {
    const store = new FakeObjectStore();
    store.seed('ckf/ckf-backup.json', claim);
    store.seed('ckf/mlpipeline/ckf-backup.json', claim);
    assert.equal(await claimBelow(at(store, 'ckf')), undefined);
  });
});

describe('prune', () => {
  it("deletes nothing of another model's backups that lie in our mirror", async () => {
    await using vault = await createVault();
    vault.source.seed('a', '1');
    const first = await vault.backUp();
    vault.store.seed(`${layout.mirror('mlpipeline')}nested/ckf-backup.json`, claim);
    vault.store.seed(`${layout.mirror('mlpipeline')}nested/sets/x`, 'theirs');
    await vault.backUp();
    const before = [...vault.store.objects.keys()];
    await rejectsWithCode(
      deleteSet(vault.world, vault.target, first, { dryRun: false }),
      'prefix-claimed',
    );
    assert.deepEqual([...vault.store.objects.keys()], before);
  });

  it('deletes nothing under a path that lies inside of another one', async () => {
    await using vault = await createVault();
    vault.source.seed('a', '1');
    await vault.backUp();
    const inside = { ...vault.target, prefix: 'ckf/mlpipeline' };
    const keep = { last: 1, daily: 0, weekly: 0, monthly: 0 };
    await rejectsWithCode(
      pruneSets(vault.world, { keep }, inside, { dryRun: false }),
      'prefix-claimed',
    );
  });
});
