import { createHash } from 'node:crypto';
import { isMd5 } from '../ports/etags.ts';
import { compareKeys } from '../ports/key-order.ts';
import type { KeyRange, ObjectStore, StoredObject } from '../world.ts';
import { judgeContent } from './content.ts';
import { provesContent } from './etag.ts';
import { type ListedObject, storedEtag } from './object-list.ts';

/** An object as a listing or HEAD shows it. */
type Shown = Pick<StoredObject, 'size' | 'etag'>;

/**
 * Whether an object of the mirror is the version that a set lists. Verify, restore and prune all
 * use this, so that they agree.
 */
export const isVersion = (mirror: Shown, listed: ListedObject): boolean =>
  mirror.size === listed.size &&
  (mirror.etag === storedEtag(listed) || provesContent(mirror, listed));

/**
 * Whether an object under a version's name in the history is that version. A copy on the server may
 * have another ETag than its original when that was in parts, or when the bucket now encrypts. So
 * when two MD5s differ, the object is read.
 */
export const isVersionInHistory = async (
  store: Pick<ObjectStore, 'get' | 'head'>,
  found: StoredObject,
  listed: ListedObject,
): Promise<boolean> => {
  if (found.size !== listed.size) return false;
  const contradicts =
    listed.mirrorEtag === undefined &&
    isMd5(listed.etag) &&
    isMd5(found.etag) &&
    found.etag !== listed.etag;
  return !contradicts || (await judgeContent(store, found, listed)).kind === 'proven';
};

/** Where versions lie: the prefixes of a bucket's mirror and history. */
export interface Places {
  readonly mirror: string;
  readonly history: string;
}

/** Where a version lies once it was replaced: `<history><its key>/<its ETag>`. */
export const nameInHistory = (history: string, key: string, etag: string): string =>
  `${history}${shortened(key)}/${etag}`;

/**
 * The key of a version by its name below `<history>`; undefined when the name may have only the
 * beginning of it.
 */
export const keyInHistory = (name: string): string | undefined => {
  const key = name.slice(0, Math.max(0, name.lastIndexOf('/')));
  return Buffer.byteLength(key) > longestBeginning ? undefined : key;
};

/**
 * Bytes. S3 takes keys of 1,024. Before the object's own come a path of up to 200, `/history/` and
 * a bucket's name of up to 63; behind it `/` and an ETag.
 */
const longestWhole = 700;
const longestBeginning = 600;

/** A key that would be too long as a part of a name: its beginning, `~`, and its SHA-256. */
const shortened = (key: string): string =>
  isLong(key) ? `${beginningOf(key)}~${createHash('sha256').update(key).digest('hex')}` : key;

const isLong = (key: string): boolean =>
  key.length * 3 > longestWhole && Buffer.byteLength(key) > longestWhole;

/** At most `longestBeginning` bytes, in whole characters. */
const beginningOf = (key: string): string => {
  if (key.length * 3 <= longestBeginning) return key;
  const bytes = Buffer.from(key);
  if (bytes.length <= longestBeginning) return key;
  let end = longestBeginning;
  // Bytes of the form 10xxxxxx continue a character.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
};

/**
 * Where the history has the versions of keys of a range. Other names may be there too, and a few
 * may lie behind it: of keys that the last one begins with, since `a` comes before `a b`, but
 * `a/<etag>` after `a b/<etag>`.
 */
export const rangeInHistory = ({ startAfter, upTo }: KeyRange): KeyRange => ({
  ...(startAfter !== undefined && { startAfter: beginningOf(startAfter) }),
  ...(upTo !== undefined && { upTo: endInHistory(upTo) }),
});

const endInHistory = (key: string): string => {
  const beginning = beginningOf(key);
  return `${beginning === key ? `${key}/` : beginning}\u{10ffff}`;
};

/**
 * Looks for a version in the mirror and then in the history. In this order, because a backup that
 * runs meanwhile copies a version to the history before it replaces it in the mirror.
 */
export const findVersion = async (
  store: Pick<ObjectStore, 'get' | 'head'>,
  places: Places,
  listed: ListedObject,
): Promise<StoredObject | undefined> => {
  const current = await store.head(places.mirror + listed.key);
  if (current && isVersion(current, listed)) return current;
  const kept = await store.head(nameInHistory(places.history, listed.key, storedEtag(listed)));
  return kept && (await isVersionInHistory(store, kept, listed)) ? kept : undefined;
};

/** A listed object under the name that it has, or would have, below `history/<bucket>/`. */
interface HistoryName<Listed extends ListedObject = ListedObject> {
  /** `<its key>/<its ETag>`, see `nameInHistory`. */
  readonly key: string;
  readonly listed: Listed;
}

/**
 * Brings lines that are in the order of their keys into the order of their names in the history.
 * The two orders differ where one key is the beginning of another: `a` comes before `a b`, but
 * `a/<etag>` after `a b/<etag>`. Only keys that are the beginning of the current one have to wait,
 * and long ones that begin with the same 600 bytes.
 */
export async function* inHistoryOrder<Listed extends ListedObject>(
  lines: AsyncIterable<Listed>,
): AsyncGenerator<HistoryName<Listed>> {
  // In the order of their names, the first one last.
  const waiting: HistoryName<Listed>[] = [];
  for await (const listed of lines) {
    // All names to come begin with this, or with something that sorts after it, and are longer.
    const bound = beginningOf(listed.key);
    for (let first = waiting.at(-1); first !== undefined; first = waiting.at(-1)) {
      if (compareKeys(first.key, bound) > 0) break;
      waiting.pop();
      yield first;
    }
    const name = { key: nameInHistory('', listed.key, storedEtag(listed)), listed };
    const place = waiting.findLastIndex((other) => compareKeys(other.key, name.key) > 0);
    waiting.splice(place + 1, 0, name);
  }
  yield* waiting.reverse();
}
