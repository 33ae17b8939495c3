import { compareKeys } from '../ports/key-order.ts';
import type { ReadAhead } from './read-ahead.ts';

interface Keyed {
  readonly key: string;
}

/** A stream to be joined, in the order of the keys' UTF-8 bytes. */
export interface Side<Item extends Keyed> {
  readonly items: ReadAhead<Item>;
  /** Every key of this stream begins with it. The join compares what follows. */
  readonly prefix?: string;
}

/**
 * Walks two or three streams side by side, in constant memory. Yields, in order, each key that any
 * of them has, as what each of them has of it. Reads all of them to their ends, so that a stream
 * that is proven by its end is proven, and disposes of them, also when the reader stops early.
 * Rejects with `store-corrupt` when one is out of order, since then nothing can be said about what
 * is missing in it.
 */
export async function* mergeJoin<
  First extends Keyed,
  Second extends Keyed,
  Third extends Keyed = never,
>(
  first: Side<First>,
  second: Side<Second>,
  third?: Side<Third>,
): AsyncGenerator<readonly [First | undefined, Second | undefined, Third | undefined]> {
  const sides: readonly Side<Keyed>[] = [first, second, ...(third ? [third] : [])];
  await using opened = new AsyncDisposableStack();
  for (const { items } of sides) opened.use(items);
  for (;;) {
    for (const { items } of sides)
      if (items.peek() === undefined && !items.ended) await items.ready();
    const key = firstOf(sides);
    if (key === undefined) return;
    yield [takeAt(first, key), takeAt(second, key), third && takeAt(third, key)];
  }
}

/** The smallest of the keys that come next; undefined when all streams have ended. */
const firstOf = (sides: readonly Side<Keyed>[]): string | undefined => {
  let smallest: string | undefined;
  for (const side of sides) {
    const key = nextKey(side);
    if (key !== undefined && (smallest === undefined || compareKeys(key, smallest) < 0))
      smallest = key;
  }
  return smallest;
};

const takeAt = <Item extends Keyed>(side: Side<Item>, key: string): Item | undefined => {
  if (nextKey(side) !== key) return undefined;
  const item = side.items.peek();
  side.items.skip();
  return item;
};

const nextKey = ({ items, prefix = '' }: Side<Keyed>): string | undefined =>
  items.peek()?.key.slice(prefix.length);
