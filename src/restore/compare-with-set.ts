import { compareKeys } from '../key-order.ts';
import { readAhead } from '../backup/buckets/read-ahead.ts';
import type { StoredObject } from '../world.ts';

/** An object that a set lists, or that the bucket has, or both. */
export interface SetComparison {
  readonly listed: StoredObject | undefined;
  readonly present: StoredObject | undefined;
}

/** Walks a set and a bucket side by side, in order and in constant memory, and yields every key of both. */
export async function* compareWithSet(
  listed: AsyncIterable<StoredObject>,
  present: AsyncIterable<StoredObject>,
): AsyncGenerator<SetComparison> {
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
