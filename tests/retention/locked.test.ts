import assert from 'node:assert/strict';
import { CharmError } from '../../src/errors.ts';
import { pruneSets } from '../../src/retention/prune.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { createVault, layout, type Vault } from '../rigs/vault.ts';

const keep = { last: 1, daily: 0, weekly: 0, monthly: 0 };
const until = new Date('2099-01-02T03:04:05Z');

describe('a prune where Object Lock keeps something', () => {
  let vault: Vault;
  beforeEach(async () => {
    vault = await createVault();
    vault.source.seed('a', '1');
  });
  afterEach(() => vault[Symbol.asyncDispose]());

  const prune = () => pruneSets(vault.world, { keep }, vault.target, { dryRun: false });
  const has = (key: string) => vault.store.objects.has(key);

  it('keeps the locked sets whole where they cannot be deleted, says until when, and goes on', async () => {
    const first = await vault.backUp();
    vault.source.seed('a', '2');
    const locked = await vault.backUp();
    vault.source.seed('a', '3');
    const newest = await vault.backUp();
    vault.store.locks.set(layout.manifest(locked), until);
    assert.deepEqual((await prune()).removed, [first]);
    assert.match(vault.progress.notes.join('\n'), new RegExp(`${locked} until 2099-01-02T03:04Z`));
    for (const id of [locked, newest]) assert.equal((await vault.restored(id)).size, 1);

    vault.store.locks.clear();
    assert.deepEqual((await prune()).removed, [locked]);
  });

  it('leaves a locked object of a set that goes, and deletes it later', async () => {
    const old = await vault.backUp();
    vault.source.seed('a', '2');
    await vault.backUp();
    const replaced = [...vault.store.objects.keys()].find((key) => key.includes('/history/')) ?? '';
    vault.store.locks.set(replaced, until);
    assert.deepEqual((await prune()).removed, [old]);
    assert.ok(has(replaced));
    assert.match(vault.progress.notes.join('\n'), /1 object until 2099-01-02T03:04Z/);
    vault.store.locks.clear();
    await prune();
    assert.ok(!has(replaced));
  });

  it('hides the sets in a bucket that keeps versions, and says that their bytes stay', async () => {
    const old = await vault.backUp();
    await vault.backUp();
    vault.store.protectedBy = { ...vault.store.protectedBy, versioning: 'on' };
    vault.store.locks.set(layout.manifest(old), until);
    assert.deepEqual((await prune()).removed, [old]);
    assert.match(vault.progress.notes.join('\n'), /keeps the bytes of .*2099-01-02T03:04Z/);
  });

  it('fails when the keys may not delete, although all of it is locked too: the set stays listed', async () => {
    const old = await vault.backUp();
    vault.source.seed('a', '2');
    const newest = await vault.backUp();
    vault.store.protectedBy = { ...vault.store.protectedBy, versioning: 'on' };
    for (const key of vault.store.objects.keys()) vault.store.locks.set(key, until);
    vault.store.failNext('delete', new CharmError('store-denied', 'It refused.'), 100);
    await rejectsWithCode(prune(), 'store-denied');
    for (const id of [old, newest]) assert.equal((await vault.restored(id)).size, 1);
  });

  it('fails when it is refused for another reason', async () => {
    await vault.backUp();
    const newest = await vault.backUp();
    vault.store.failNext('delete', new CharmError('store-denied', 'It refused.'), 100);
    await rejectsWithCode(prune(), 'store-denied');
    assert.equal((await vault.restored(newest)).size, 1);
  });
});
