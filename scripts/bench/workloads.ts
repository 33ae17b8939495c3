import { randomBytes } from 'node:crypto';
import type { ObjectStore } from '../../src/world.ts';

/** What is copied, and under which circumstances. */
export interface Workload {
  readonly name: string;
  readonly sizes: readonly number[];
  /** One way, to the target, in ms. */
  readonly delay?: number;
  /**
   * The copy that is measured follows one that is not, after this share of the objects was
   * rewritten.
   */
  readonly changed?: number;
  /** Objects that a listing server makes up instead. */
  readonly madeUp?: number;
}

const kibi = 2 ** 10;
const mebi = 2 ** 20;

/** The workloads of the benchmark; smaller by default. `keys` are those that are made up. */
export const workloads = (
  full: boolean,
  keys = full ? 5_000_000 : 300_000,
): readonly Workload[] => {
  const small = new Array<number>(full ? 20_000 : 3000).fill(4 * kibi);
  return [
    { name: 'small', sizes: small },
    { name: 'small-30ms', sizes: full ? small : small.slice(0, 1000), delay: 15 },
    { name: 'unchanged', sizes: small, changed: 0 },
    { name: 'one-percent', sizes: small, changed: 0.01 },
    { name: 'kfp-mix', sizes: mix(full ? 1000 : 200, full ? 256 : 64) },
    { name: 'large', sizes: new Array<number>(full ? 20 : 8).fill(64 * mebi) },
    { name: 'made-up', sizes: [], changed: 0, madeUp: keys },
  ];
};

/** 80 % up to 64 KiB, 19 % of 1 to 8 MiB, 1 % of `largest` MiB; the same each time. */
const mix = (count: number, largest: number): readonly number[] =>
  Array.from({ length: count }, (_, index) => {
    const spread = (index * 0.618034) % 1;
    if (index % 100 === 99) return largest * mebi;
    return index % 100 < 80 ? Math.ceil(spread * 64 * kibi) : Math.ceil((1 + spread * 7) * mebi);
  });

/** One object for each "directory", as KFP writes them. */
const keyOf = (index: number): string => {
  const number = String(index).padStart(6, '0');
  return `artifacts/run-${number}/2026/11/21/run-${number}-system-container-impl/main.log`;
};

export const seed = async (store: ObjectStore, sizes: readonly number[]): Promise<void> => {
  await inParallel(sizes.length, async (index) => {
    await write(store, index, sizes[index] ?? 0);
  });
};

/**
 * Rewrites a share of the objects; by one byte longer or shorter each time, because `--size-only`
 * sees nothing else.
 */
export const rewrite = async (
  store: ObjectStore,
  sizes: readonly number[],
  share: number,
  round: number,
): Promise<number> => {
  const count = Math.round(sizes.length * share);
  await inParallel(count, async (nth) => {
    const index = Math.floor(nth / share);
    await write(store, index, (sizes[index] ?? 0) + 1 + (round % 2));
  });
  return count;
};

const write = async (store: ObjectStore, index: number, size: number): Promise<void> => {
  // Random at the front so that no two are the same, and cheap for the rest.
  const body = Buffer.alloc(size, `${index} `);
  randomBytes(16).copy(body);
  await store.put(keyOf(index), body, { metadata: { contentType: 'text/plain' } });
};

const inParallel = async (count: number, work: (index: number) => Promise<void>): Promise<void> => {
  let next = 0;
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (next < count) {
        next += 1;
        await work(next - 1);
      }
    }),
  );
};
