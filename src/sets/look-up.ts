import { compareKeys } from '../key-order.ts';
import { readAhead } from '../backup/buckets/read-ahead.ts';

interface Keyed {
  readonly key: string;
}

/** What is looked up and where, both in the order of the keys' UTF-8 bytes; the names are for messages. */
export interface LookUp<Item extends Keyed, Match extends Keyed> {
  readonly items: readonly [AsyncIterable<Item>, name: string];
  readonly among: readonly [AsyncIterable<Match>, name: string];
}

/**
 * Walks two streams side by side, in constant memory, and yields every item of the first with what has its key in the second. Both are read to
 * their ends, so that whoever proves a stream by its end hears of it. Rejects with `store-corrupt` when one is out of order, since
 * then nothing can be said about what is missing in it.
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
