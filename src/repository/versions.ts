import { provesContent } from '../components/buckets/compare.ts';
import { compareKeys } from '../ports/key-order.ts';
import type { ListedObject } from './object-list.ts';

/** The ETag that the bytes of a listed object have in the mirror, and the last part of their name in the history. */
export const storedEtag = ({ etag, mirrorEtag }: ListedObject): string => mirrorEtag ?? etag;

/** Whether an object of the mirror is the version that a set lists. */
export const isVersion = (mirror: { readonly etag: string }, listed: ListedObject): boolean =>
  mirror.etag === storedEtag(listed) || provesContent(mirror, listed);

/** A listed object under the name that it has, or would have, below `history/<bucket>/`. */
interface HistoryName<Listed extends ListedObject = ListedObject> {
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
