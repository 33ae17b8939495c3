import { compareKeys } from '../key-order.ts';
import type { ListedObject } from '../backup/buckets/object-list.ts';
import { storedEtag } from './stored-version.ts';

/** A listed object under the name that it has, or would have, below `history/<bucket>/`. */
export interface HistoryName<Listed extends ListedObject = ListedObject> {
  /** `<its key>/<its ETag>`. */
  readonly key: string;
  readonly listed: Listed;
}

/**
 * Brings lines that are in the order of their keys into the order of their names in the history. The two differ where a key begins another
 * one: `a` comes before `a b`, but `a/<etag>` after `a b/<etag>`. Only keys that begin the current one have to wait, so memory is
 * bounded by the length of a key.
 */
export async function* inHistoryOrder<Listed extends ListedObject>(
  lines: AsyncIterable<Listed>,
): AsyncGenerator<HistoryName<Listed>> {
  // In the order of their names, the first one last.
  const waiting: HistoryName<Listed>[] = [];
  for await (const listed of lines) {
    // All names to come are longer than this key, and so sort after it.
    for (let first = waiting.at(-1); first !== undefined; first = waiting.at(-1)) {
      if (compareKeys(first.key, listed.key) > 0) break;
      waiting.pop();
      yield first;
    }
    const name = { key: `${listed.key}/${storedEtag(listed)}`, listed };
    const place = waiting.findLastIndex((other) => compareKeys(other.key, name.key) > 0);
    waiting.splice(place + 1, 0, name);
  }
  yield* waiting.reverse();
}
