import { compareKeys } from '../ports/key-order.ts';
import type { StoredObject } from '../world.ts';
import { readAhead } from './read-ahead.ts';

interface Keyed {
  readonly key: string;
}

/**
 * What is looked up and where, both in the order of the keys' UTF-8 bytes; the names are for
 * messages.
 */
interface LookUp<Item extends Keyed, Match extends Keyed> {
  readonly items: readonly [AsyncIterable<Item>, name: string];
  readonly among: readonly [AsyncIterable<Match>, name: string];
}

/**
 * Walks two streams side by side, in constant memory, and yields every item of the first with what
 * has its key in the second. Both are read to their ends, so that a stream that is proven by its
 * end is proven. Rejects with `store-corrupt` when one is out of order, since then nothing can be
 * said about what is missing in it.
 */
export async function* lookUp<Item extends Keyed, Match extends Keyed>({
  items,
  among,
}: LookUp<Item, Match>): AsyncGenerator<{
  readonly item: Item;
  readonly match: Match | undefined;
}> {
  await using left = readAhead(...items);
  await using right = readAhead(...among);
  for (;;) {
    const item = left.peek() ?? ((await left.ready()) ? left.peek() : undefined);
    if (item === undefined) break;
    left.skip();
    let match: Match | undefined;
    for (;;) {
      const other = right.peek() ?? ((await right.ready()) ? right.peek() : undefined);
      const order = other === undefined ? 1 : compareKeys(other.key, item.key);
      if (order > 0) break;
      right.skip();
      if (order === 0) match = other;
    }
    yield { item, match };
  }
  while (await right.ready()) right.skip();
}

/** An object that a set lists, or that the bucket has, or both. */
interface SetComparison<Listed> {
  readonly listed: Listed | undefined;
  readonly present: StoredObject | undefined;
}

/**
 * Walks a set and a bucket side by side, in order and in constant memory, and yields every key of
 * both.
 */
export async function* compareWithSet<Listed extends Keyed>(
  listed: AsyncIterable<Listed>,
  present: AsyncIterable<StoredObject>,
): AsyncGenerator<SetComparison<Listed>> {
  await using set = readAhead(listed, 'object list of the set');
  await using bucket = readAhead(present, 'listing of the bucket');
  for (;;) {
    if (set.peek() === undefined) await set.ready();
    if (bucket.peek() === undefined) await bucket.ready();
    const left = set.peek();
    const right = bucket.peek();
    if (left === undefined && right === undefined) return;
    const order =
      left === undefined ? 1 : right === undefined ? -1 : compareKeys(left.key, right.key);
    if (order <= 0) set.skip();
    if (order >= 0) bucket.skip();
    yield {
      listed: order <= 0 ? left : undefined,
      present: order >= 0 ? right : undefined,
    };
  }
}
