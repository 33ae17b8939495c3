import assert from 'node:assert/strict';
import { isBackupId, type BackupId } from '../../src/repository/layout.ts';
import { hasCode } from '../../src/errors.ts';
import { pruneSets } from '../../src/retention/prune.ts';
import { listSets } from '../../src/repository/sets.ts';
import type { ObjectStore } from '../../src/world.ts';
import { copyOf, createVault, restoredFrom, type Vault } from '../rigs/vault.ts';
import { dyingStore } from '../rigs/dying-store.ts';

const config = { keep: { last: 1, daily: 0, weekly: 0, monthly: 0 } };

describe('a removal that is interrupted', () => {
  let vault: Vault;

  /** Two sets that go, one that stays, and what a dead backup left. */
  beforeEach(async () => {
    vault = await createVault();
    for (const [round, content] of ['first', 'second', 'third'].entries()) {
      vault.source.seed('replaced', content);
      vault.source.seed(`only in ${content}`, content);
      if (round > 0) vault.source.bucket.remove(`only in ${['first', 'second'][round - 1] ?? ''}`);
      if (round === 2) await vault.backUp({ dies: 'after the dump' });
      await vault.backUp();
    }
  });
  afterEach(() => vault[Symbol.asyncDispose]());

  const prune = (store: ObjectStore) =>
    pruneSets(vault.world, config, { ...vault.target, store }, { dryRun: false });

  for (const how of ['once', 'for ever'] as const) {
    it(`leaves no half set and is finished by the next, wherever S3 fails ${how}`, async () => {
      const undisturbed = copyOf(vault.store, vault.world.clock);
      await prune(undisturbed);
      const expected = [...undisturbed.objects.keys()];
      for (let at = 1; ; at += 1) {
        const store = copyOf(vault.store, vault.world.clock);
        const dying = dyingStore(store, at, how);
        try {
          await prune(dying.store);
        } catch (error) {
          assert.ok(hasCode(error, 'store-unreachable'), String(error));
        }
        for (const id of idsOf(store.objects.keys())) await restoredFrom(store, id);
        const { sets } = await listSets({ ...vault.target, store }, { limit: 20 });
        assert.ok(sets.every(({ problem }) => problem === undefined));
        await prune(store);
        assert.deepEqual([...store.objects.keys()], expected, `after call ${at}`);
        if (dying.calls() < at) break;
      }
    });
  }

  it('is finished by the prune after the next backup, too', async () => {
    await assert.rejects(prune(dyingStore(vault.store, 25, 'for ever').store));
    const id = await vault.backUp();
    await prune(vault.store);
    assert.deepEqual(idsOf(vault.store.objects.keys()), [id]);
    await vault.restored(id);
  });
});

const idsOf = (keys: Iterable<string>): BackupId[] =>
  [...keys]
    .filter((key) => key.endsWith('/manifest.json'))
    .map((key) => key.split('/').at(-2) ?? '')
    .filter(isBackupId);
