import assert from 'node:assert/strict';
import type { BackupId } from '../../src/repository/layout.ts';
import { deleteSet, pruneSets } from '../../src/retention/prune.ts';
import { intercept } from '../rigs/intercept.ts';
import { bucket, createVault, layout, type Vault } from '../rigs/vault.ts';

const all = { last: 0, daily: 0, weekly: 0, monthly: 0 };

/** Prunes as an operator does. Returns whose lists it read. */
const prune = async (vault: Vault, keep = all): Promise<readonly string[]> => {
  const read = new Set<string>();
  const stop = intercept(vault.store, 'get', (original) => (key, ...rest) => {
    if (key.endsWith('.ndjson.gz')) read.add(key.slice(layout.sets.length).split('/')[0] ?? '');
    return original(key, ...rest);
  });
  await pruneSets(vault.world, { keep }, vault.target, { dryRun: false });
  stop();
  return [...read].toSorted();
};

const inMirror = (vault: Vault, key: string): boolean =>
  vault.store.bucket.find(layout.mirror(bucket) + key) !== undefined;

/** Each day an object is replaced, one is deleted and one is new. */
const days = async (vault: Vault, first: number, last: number): Promise<readonly BackupId[]> => {
  const ids: BackupId[] = [];
  for (let day = first; day <= last; day += 1) {
    vault.source.seed('a', `a of day ${day}`);
    vault.source.bucket.remove(`of-day-${day - 3}`);
    vault.source.seed(`of-day-${day}`, 'x');
    ids.push(await vault.backUp());
  }
  return ids;
};

/** A backup copies an object that is deleted before the next one. */
const dieAfter = async (vault: Vault, key: string): Promise<void> => {
  vault.source.seed(key, 'copied by a backup that died');
  await vault.backUp({ dies: 'while copying' });
  vault.source.bucket.remove(key);
};

const eraseByHand = (vault: Vault, id: BackupId): void => {
  for (const key of vault.store.objects.keys())
    if (key.startsWith(layout.set(id))) vault.store.bucket.remove(key);
};

describe('what retention has judged', () => {
  let vault: Vault;
  beforeEach(async () => {
    vault = await createVault();
    vault.source.seed('stays', 'for ever');
  });
  afterEach(() => vault[Symbol.asyncDispose]());

  it('is not looked at again: prune reads the lists of the sets that came since, and their neighbours', async () => {
    const old = await days(vault, 1, 20);
    assert.deepEqual(await prune(vault), old);

    const since = await days(vault, 21, 23);
    const read = await prune(vault);

    // The last two of the old ones, because clocks of S3's servers may differ.
    assert.deepEqual(read, [...old.slice(-2), ...since]);
    for (const id of [...old, ...since]) await vault.restored(id);
  });

  it('does not hide what a dead backup copies later', async () => {
    const old = await days(vault, 1, 6);
    await prune(vault);
    await dieAfter(vault, 'short');
    const since = await days(vault, 7, 8);

    await prune(vault);

    assert.ok(!inMirror(vault, 'short'));
    for (const id of [...old, ...since]) await vault.restored(id);
  });

  it('is looked at again when the set goes that has it', async () => {
    const [first, ...others] = await days(vault, 1, 6);
    await prune(vault);

    await prune(vault, { ...all, last: 5 });

    assert.equal(vault.store.bucket.find(layout.manifest(first!)), undefined);
    assert.ok(inMirror(vault, 'of-day-2'));
    await prune(vault, { ...all, last: 2 });
    assert.ok(!inMirror(vault, 'of-day-1'));
    for (const id of others.slice(-2)) await vault.restored(id);
  });

  it('counts for nothing when a set was deleted by hand', async () => {
    const [first] = await days(vault, 1, 6);
    vault.source.seed('only-here', 'x');
    const only = await vault.backUp();
    vault.source.bucket.remove('only-here');
    const since = await days(vault, 7, 8);
    await prune(vault);
    assert.ok(inMirror(vault, 'only-here'));

    eraseByHand(vault, only);
    const read = await prune(vault);

    assert.ok(read.includes(first!));
    assert.ok(!inMirror(vault, 'only-here'));
    for (const id of since) await vault.restored(id);
  });

  it('counts for nothing when it is not known what a set that goes had listed', async () => {
    await days(vault, 1, 3);
    vault.source.seed('only-here', 'x');
    const only = await vault.backUp();
    vault.source.bucket.remove('only-here');
    await days(vault, 4, 6);
    await prune(vault);
    vault.store.seed(layout.objectList(only, bucket), 'not gzip');

    await deleteSet(vault.world, vault.target, only, { dryRun: false });

    assert.ok(!inMirror(vault, 'only-here'));
  });

  it('does not reach beyond the newest set, which may go as damaged', async () => {
    await days(vault, 1, 4);
    vault.source.seed('only-here', 'copied by a backup that died, and used by the next one');
    await vault.backUp({ dies: 'while copying' });
    const newest = await vault.backUp();
    await prune(vault);
    vault.store.bucket.remove(layout.mlmdDump(newest));
    await deleteSet(vault.world, vault.target, newest, { dryRun: false });
    // It is newer than all sets by now, so the next backup could use it.
    assert.ok(inMirror(vault, 'only-here'));
    vault.source.bucket.remove('only-here');
    await days(vault, 5, 6);

    await prune(vault);

    assert.ok(!inMirror(vault, 'only-here'));
  });

  it('is looked at again when nothing lists its key any more', async () => {
    const [first] = await days(vault, 1, 1);
    vault.source.seed('key', 'of a set');
    const lists = await vault.backUp();
    // A dead backup replaces it, and the source deletes it: the mirror has what no set lists.
    await dieAfter(vault, 'key');
    const since = await days(vault, 2, 4);
    await prune(vault);
    assert.ok(inMirror(vault, 'key'));

    await deleteSet(vault.world, vault.target, lists, { dryRun: false });

    assert.ok(!inMirror(vault, 'key'));
    for (const id of [first!, ...since]) await vault.restored(id);
  });

  for (const text of ['{', '{"format":2}', '{"format":1,"until":{"mlpipeline":"soon"},"sets":[]}'])
    it(`counts for nothing when it reads ${text}`, async () => {
      const ids = await days(vault, 1, 4);
      await prune(vault);
      vault.store.seed(layout.judged, text);
      assert.deepEqual(await prune(vault), ids);
    });
});
