import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { BackupId } from '../../src/repository/layout.ts';
import { openObjectList } from '../../src/repository/object-list.ts';
import { hasCode } from '../../src/errors.ts';
import { deleteSet, pruneSets } from '../../src/retention/prune.ts';
import { bucket, createVault, layout, type Death, type Vault } from '../rigs/vault.ts';

/*
 * Any history of a bucket that is backed up, by backups some of which die, while sets are deleted
 * and pruned and others put their own objects next to ours. Keys that begin each other are
 * frequent, because the mirror and the history list those in different orders.
 */

const anyKey = fc.constantFrom('a', 'a b', 'a/b', 'a/b c', 'a!', 'é', '\u{1f600}', '\uffee', 'a/0');
const anyContent = fc.constantFrom('', 'x', 'y', 'z');
const anyDeath = fc.constantFrom<Death>('while copying', 'after the dump', 'before the manifest');
const anyKeep = fc.record({
  last: fc.nat(2),
  daily: fc.nat(1),
  weekly: fc.nat(1),
  monthly: fc.nat(1),
});

type Step =
  | { readonly do: 'put'; readonly key: string; readonly content: string }
  | { readonly do: 'remove'; readonly key: string }
  | { readonly do: 'back up'; readonly consistent: boolean }
  | { readonly do: 'die'; readonly death: Death }
  | { readonly do: 'delete'; readonly which: number }
  /** A set disappears without us. */
  | { readonly do: 'erase'; readonly which: number }
  | {
      /** As an operator asks for it, or as at the end of a backup. */
      readonly do: 'prune' | 'retain';
      readonly keep: { last: number; daily: number; weekly: number; monthly: number };
    };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('put' as const), key: anyKey, content: anyContent }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), key: anyKey }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('back up' as const), consistent: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('die' as const), death: anyDeath }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), which: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('erase' as const), which: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('prune' as const), keep: anyKeep }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('retain' as const), keep: anyKeep }) },
);

const foreign = [
  'ckf/notes.txt',
  'ckf/mlmd/mlmd-2026-11-01-03-00-00.dump.gz',
  'ckf/kfp-db/2026-11-01T03:00:01Z.md5',
  'ckf/history/mlpipeline/readme',
  'ckf/sets/2026-11-01T03:00:00Z/readme',
  'ckf0/mlpipeline/a',
];

/** What each set has to give back. */
type Expected = Map<BackupId, ReadonlyMap<string, string>>;

describe('any history of backups and removals', () => {
  it('leaves every remaining set readable, nothing foreign touched, and in the end nothing that no set needs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 25 }), async (steps) => {
        await using vault = await createVault();
        for (const key of foreign) vault.store.seed(key, 'not ours');
        const expected: Expected = new Map();
        // What a backup copies that dies before there is any set cannot be told from what was there
        // before us.
        await backUp(vault, expected, true);
        for (const step of steps) await take(vault, step, expected);
        await backUp(vault, expected, true);
        await pruneSets(vault.world, { keep: all }, vault.target, { dryRun: false });
        await checkReadable(vault, expected);
        await checkTidy(vault, expected);
      }),
      { numRuns: 20 },
    );
  });
});

const all = { last: 0, daily: 0, weekly: 0, monthly: 0 };

const take = async (vault: Vault, step: Step, expected: Expected): Promise<void> => {
  const { source, world, target } = vault;
  if (step.do === 'put') source.seed(step.key, step.content);
  else if (step.do === 'remove') source.bucket.remove(step.key);
  else if (step.do === 'back up') await backUp(vault, expected, step.consistent);
  else if (step.do === 'die') await vault.backUp({ dies: step.death });
  else if (step.do === 'erase') erase(vault, step.which, expected);
  else {
    const ids = [...expected.keys()];
    const removal =
      step.do === 'delete'
        ? deleteSet(world, target, ids[step.which % ids.length]!, { dryRun: false })
        : pruneSets(world, step, target, {
            dryRun: false,
            onlySets: step.do === 'retain',
            fewSets: 0,
          });
    try {
      for (const id of (await removal).removed) expected.delete(id);
    } catch (error) {
      if (!hasCode(error, 'backup-protected')) throw error;
    }
    await checkReadable(vault, expected);
  }
};

/** With its dump, which nobody could tell from one of somebody else afterwards. */
const erase = (vault: Vault, which: number, expected: Expected): void => {
  const ids = [...expected.keys()];
  const id = ids[which % ids.length];
  if (id === undefined || ids.length < 3) return;
  for (const key of vault.store.objects.keys())
    if (key.startsWith(layout.set(id)) || key === layout.mlmdDump(id))
      vault.store.bucket.remove(key);
  expected.delete(id);
};

const backUp = async (vault: Vault, expected: Expected, consistent: boolean): Promise<void> => {
  const objects = [...vault.source.objects.values()];
  const id = await vault.backUp({ consistent });
  expected.set(id, new Map(objects.map(({ key, bytes }) => [key, bytes.toString()])));
};

const checkReadable = async (vault: Vault, expected: Expected): Promise<void> => {
  const { store } = vault;
  for (const [id, objects] of expected) {
    const found = [...(await vault.restored(id))].map(
      ([key, bytes]) => [key, bytes.toString()] as const,
    );
    assert.deepEqual(new Map(found), objects);
    assert.ok(store.bucket.find(layout.mlmdDump(id)));
    assert.ok(store.bucket.find(`ckf/kfp-db/${id}.md5`));
  }
  for (const key of foreign) assert.ok(store.bucket.find(key), key);
};

const checkTidy = async (vault: Vault, expected: Expected): Promise<void> => {
  const { store } = vault;
  const listedKeys = new Set<string>();
  const versions = new Set<string>();
  for (const id of expected.keys()) {
    for (const { list } of vault.manifest(id).buckets)
      for await (const line of openObjectList(store, list.key)) {
        listedKeys.add(line.key);
        versions.add(`${line.key}/${line.etag}`);
      }
  }
  for (const { key, etag } of store.objects.values()) {
    if (foreign.includes(key) || key === layout.judged) continue;
    const mirror = layout.mirror(bucket);
    const history = layout.history(bucket);
    const inMirror = key.slice(mirror.length);
    if (key.startsWith(mirror))
      assert.ok(versions.has(`${inMirror}/${etag}`) || listedKeys.has(inMirror), key);
    else if (key.startsWith(history)) assert.ok(versions.has(key.slice(history.length)), key);
    else if (/^ckf\/(sets|mlmd)\//.test(key))
      assert.ok(
        [...expected.keys()].some((id) => key.includes(id) || key === layout.mlmdDump(id)),
        key,
      );
  }
};
