import assert from 'node:assert/strict';
import type { BackupId } from '../../src/repository/layout.ts';
import { pruneSets } from '../../src/retention/prune.ts';
import { intercept } from '../rigs/intercept.ts';
import { bucket, createVault, layout, type Vault } from '../rigs/vault.ts';

const fill = (vault: Vault): void => {
  for (const key of ['a', 'kept', 'z']) vault.source.seed(key, `${key} of the first day`);
};

/**
 * Removes all but the newest `last` sets, as the end of a backup does when there are many. Returns
 * whose lists it read.
 */
const retain = async (vault: Vault, last: number): Promise<readonly string[]> => {
  const read = new Set<string>();
  const stop = intercept(vault.store, 'get', (original) => (key, ...rest) => {
    if (key.endsWith('.ndjson.gz')) read.add(key.slice(layout.sets.length).split('/')[0] ?? '');
    return original(key, ...rest);
  });
  const keep = { last, daily: 0, weekly: 0, monthly: 0 };
  await pruneSets(vault.world, { keep }, vault.target, {
    dryRun: false,
    onlySets: true,
    fewSets: 0,
  });
  stop();
  return [...read].toSorted();
};

const inMirror = (vault: Vault, key: string): boolean =>
  vault.store.bucket.find(layout.mirror(bucket) + key) !== undefined;

const versionsOf = (vault: Vault, key: string): number =>
  [...vault.store.objects.keys()].filter((name) =>
    name.startsWith(`${layout.history(bucket)}${key}/`),
  ).length;

describe('the retention at the end of a backup', () => {
  it('reads the list of the set that goes and few others, and removes what only that set had', async () => {
    await using vault = await createVault();
    fill(vault);
    vault.source.seed('of-day-0', 'x');
    const ids: BackupId[] = [];
    for (let day = 1; day <= 12; day += 1) {
      ids.push(await vault.backUp());
      vault.source.bucket.remove(`of-day-${day - 1}`);
      vault.source.seed(`of-day-${day}`, 'x');
      vault.source.seed('a', `a of day ${day}`);
    }

    assert.deepEqual(await retain(vault, 11), [ids[0], ids[1], ids[11]]);

    assert.ok(!inMirror(vault, 'of-day-0'));
    assert.ok(inMirror(vault, 'of-day-1'));
    assert.equal(versionsOf(vault, 'a'), 10);
    for (const id of ids.slice(1)) await vault.restored(id);
  });

  it('keeps a version that was replaced and came back in a set that is no neighbour', async () => {
    await using vault = await createVault();
    fill(vault);
    const first = vault.source.bucket.get('a').bytes;
    const ids: BackupId[] = [];
    for (const content of [first, 'b', 'c', 'd', first, 'e', 'f']) {
      vault.source.seed('a', content);
      ids.push(await vault.backUp());
    }

    await retain(vault, 6);

    const restored = await vault.restored(ids[4]!);
    assert.deepEqual(restored.get('a'), first);
  });

  for (const isKnown of [true, false])
    it(`keeps an object that was deleted and came back${isKnown ? '' : ', when older sets do not tell'}`, async () => {
      await using vault = await createVault();
      fill(vault);
      const ids: BackupId[] = [];
      for (const has of [true, false, false, true, true, false, false]) {
        if (!has) vault.source.bucket.remove('a');
        else if (!vault.source.objects.has('a')) vault.source.seed('a', 'a of the first day');
        ids.push(await vault.backUp());
      }
      if (!isKnown)
        for (const id of ids) {
          const { buckets, ...manifest } = vault.manifest(id);
          const without = buckets.map(({ noneCameBackSince: _, ...one }) => one);
          vault.store.seed(layout.manifest(id), JSON.stringify({ ...manifest, buckets: without }));
        }

      await retain(vault, 6);

      for (const id of ids.slice(1)) await vault.restored(id);
    });

  it('removes what a dead backup copied before the sets go that tell whose it is', async () => {
    await using vault = await createVault();
    fill(vault);
    await vault.backUp();
    vault.source.seed('short', 'copied by a backup that died');
    await vault.backUp({ dies: 'while copying' });
    vault.source.bucket.remove('short');
    for (let count = 0; count < 3; count += 1) await vault.backUp();

    await retain(vault, 3);

    assert.ok(!inMirror(vault, 'short'));
  });

  it('removes what no set lists too, while there are few sets', async () => {
    await using vault = await createVault();
    fill(vault);
    for (let count = 0; count < 2; count += 1) await vault.backUp();
    vault.source.seed('short', 'copied by a backup that died');
    await vault.backUp({ dies: 'while copying' });
    vault.source.bucket.remove('short');
    vault.pass(3600);
    for (let count = 0; count < 2; count += 1) await vault.backUp();

    await retain(vault, 3);
    assert.ok(inMirror(vault, 'short'));
    const keep = { last: 2, daily: 0, weekly: 0, monthly: 0 };
    await pruneSets(vault.world, { keep }, vault.target, { dryRun: false, onlySets: true });
    assert.ok(!inMirror(vault, 'short'));
  });
});
