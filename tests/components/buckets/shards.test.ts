import assert from 'node:assert/strict';
import fc from 'fast-check';
import { cutKeys } from '../../../src/components/buckets/shards/cut-keys.ts';
import { cutterFor } from '../../../src/components/buckets/shards/cut-list.ts';
import { seal, unseal } from '../../../src/components/buckets/shards/sealed.ts';
import { rangesBetween } from '../../../src/components/buckets/shards/shard.ts';
import { keysOf, writePlan } from '../../../src/components/buckets/shards/shared-work.ts';
import { nextShard, takeShards } from '../../../src/components/buckets/shards/take-shards.ts';
import { CharmError, hasCode } from '../../../src/errors.ts';
import { compareKeys } from '../../../src/ports/key-order.ts';
import { backupIdAt } from '../../../src/repository/layout.ts';
import type { KeyRange } from '../../../src/world.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import { intercept } from '../../rigs/intercept.ts';
import { targetIn } from '../../rigs/target.ts';

const storeOf = (keys: readonly string[]): FakeObjectStore => {
  const store = new FakeObjectStore();
  for (const key of keys) store.seed(key, '');
  return store;
};

const isIn = (key: string, { startAfter, upTo }: KeyRange): boolean =>
  (startAfter === undefined || compareKeys(key, startAfter) > 0) &&
  (upTo === undefined || compareKeys(key, upTo) <= 0);

/** How many of the keys each shard has. Fails unless each key is in one. */
const sizesOf = (keys: readonly string[], bounds: readonly string[]): readonly number[] => {
  const ranges = rangesBetween(bounds);
  for (const key of keys) assert.equal(ranges.filter((range) => isIn(key, range)).length, 1, key);
  return ranges.map((range) => keys.filter((key) => isIn(key, range)).length);
};

const numbered = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${String(index).padStart(6, '0')}`);

describe('the shards of a bucket of which no list is known', () => {
  it('have each key once, whatever the keys are', async () => {
    const anyKeys = fc.record({
      prefixes: fc.uniqueArray(
        fc
          .string({ unit: 'binary', minLength: 1, maxLength: 6 })
          .filter((text) => text.isWellFormed()),
        { minLength: 1, maxLength: 4 },
      ),
      each: fc.constantFrom(10, 249, 999, 1000, 1001, 1300),
    });
    await fc.assert(
      fc.asyncProperty(anyKeys, async ({ prefixes, each }) => {
        const keys = [...new Set(prefixes.flatMap((prefix) => numbered(prefix, each)))];
        const bounds = await cutKeys(storeOf(keys));
        for (const [index, bound] of bounds.entries())
          assert.ok(index === 0 || compareKeys(bound, bounds[index - 1] ?? '') > 0);
        sizesOf(keys, bounds);
      }),
      { numRuns: 15 },
    );
  });

  it('are small, although nearly all of a key is the same for all', async () => {
    const keys = [
      ...numbered('artifacts/a-long-name-of-a-pipeline/2026/11/21/', 3000),
      ...numbered('pipelines/', 40),
      ...numbered('v2/artifacts/other/', 2000),
    ];
    const sizes = sizesOf(keys, await cutKeys(storeOf(keys)));
    assert.ok(Math.max(...sizes) <= 500, sizes.join());
    assert.ok(sizes.length < 50, sizes.join());
  });

  it('are one when the bucket is small or empty', async () => {
    assert.deepEqual(await cutKeys(storeOf([])), []);
    assert.deepEqual(await cutKeys(storeOf(numbered('a', 250))), []);
  });
});

describe('the shards of a list', () => {
  const shardsOf = (sizes: readonly number[]): readonly (readonly number[])[] => {
    const endsShard = cutterFor({
      objects: sizes.length,
      size: sizes.reduce((total, size) => total + size, 0),
    });
    const shards: number[][] = [[]];
    for (const size of sizes) {
      shards.at(-1)?.push(size);
      if (endsShard({ size })) shards.push([]);
    }
    return shards;
  };

  it('are about equal, in objects when these are small, in bytes when they are large', () => {
    const small = shardsOf(Array.from({ length: 10_000 }, () => 100));
    assert.deepEqual([...new Set(small.map(({ length }) => length))].toSorted(), [250]);
    const mixed = shardsOf(
      Array.from({ length: 2000 }, (_, index) => (index < 100 ? 2 ** 30 : 1000)),
    );
    assert.ok(mixed.length > 5, String(mixed.length));
    const bytes = mixed.map((sizes) => sizes.reduce((total, size) => total + size, 0));
    assert.ok(Math.max(...bytes) < 16 * 2 ** 30, bytes.join());
  });

  it('are many also of few objects that are large, and have enough of them to copy at a time', () => {
    const large = shardsOf(Array.from({ length: 640 }, () => 2 ** 26));
    assert.deepEqual([...new Set(large.map(({ length }) => length))].toSorted(), [32]);
    assert.equal(shardsOf([2 ** 40, 2 ** 40]).length, 1);
  });

  it('are never more than a listing tells in one page', () => {
    assert.equal(shardsOf(Array.from({ length: 200_000 }, () => 1)).length, 500);
  });
});

describe('a shard', () => {
  const plan = {
    ...({ format: 1, kind: 'copy', lock: 'l', units: 2, archive: true, keepsTags: true } as const),
    shards: Array.from({ length: 4 }, () => ({ bucket: 'b', range: {} })),
  };
  const taken = new Date(0);

  it('is taken from a unit that is not heard of, and from no other', () => {
    const claims = new Map([
      [0, [{ nonce: 'alive', taken }]],
      [1, [{ nonce: 'dead', taken }]],
    ]);
    const next = (unit: string, done: readonly number[]) =>
      nextShard({ done: new Set(done), claims }, new Set(['alive']), { plan, unit });
    assert.equal(next('ckf-backup/0', []), 1);
    assert.equal(next('ckf-backup/1', []), 2);
    assert.equal(next('ckf-backup/1', [1, 2, 3]), undefined);
  });

  it('whose claim cannot be taken back ends the work of its unit, or it would keep others from it', async () => {
    const store = new FakeObjectStore();
    const work = {
      ...{ target: targetIn(store), id: backupIdAt(taken) },
      ...{ run: 'a run', token: 'a token' },
    };
    const one = { ...plan, shards: plan.shards.slice(0, 1) };
    await writePlan(work, one);
    const [ours, another] = ['ours', 'another'].map((nonce) => keysOf(work).claim(0, nonce));
    intercept(store, 'put', (original) => async (...words: Parameters<typeof original>) => {
      if (words[0] === ours) await original(another ?? '', '');
      return original(...words);
    });
    intercept(store, 'delete', () => async () => {
      throw new CharmError('store-unreachable', 'nobody answers');
    });
    const taker = {
      ...{ work, plan: one, nonce: 'ours', unit: 'ckf-backup/1', clock: new FakeClock() },
      signal: new AbortController().signal,
      assertWanted: async () => undefined,
      alive: async () => new Set(['ours', 'another']),
      perform: () => assert.fail('the shard is not ours'),
    };
    await assert.rejects(takeShards(taker), (error) => hasCode(error, 'store-unreachable'));
  }).timeout(5000);
});

describe('what units tell each other', () => {
  it('counts with the seal of the token only', () => {
    const sealed = seal('token', { shard: 7 });
    assert.deepEqual(unseal('token', sealed), { shard: 7 });
    for (const [token, text] of [
      ['another', sealed],
      ['token', sealed.replace('7', '8')],
      ['token', ''],
      ['token', '{"shard":7}\n'],
    ] as const)
      assert.equal(unseal(token, text), undefined, text);
  });
});
