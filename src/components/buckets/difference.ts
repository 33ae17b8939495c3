import { CharmError } from '../../errors.ts';
import { mergeJoin, type Side } from '../../repository/join.ts';
import type { ListedObject } from '../../repository/object-list.ts';
import { readAhead } from '../../repository/read-ahead.ts';
import type { ObjectStore, Source, StoredObject } from '../../world.ts';
import { isThere } from './bring-back.ts';
import { keysText } from './failed-objects.ts';

/** How a bucket differs from what a set lists. Sizes are bytes. */
export interface Difference {
  readonly objects: number;
  readonly size: number;
  /** Objects of the set that are not in the bucket as they were. */
  readonly missing: number;
  readonly bytesMissing: number;
  /** Objects of the bucket that the set does not know. */
  readonly extra: number;
}

type Listed = AsyncIterable<StoredObject>;

/** Compares a bucket with a set, and changes nothing. */
export const differenceOf = async (
  listed: Listed,
  { store }: Source,
  forget: (key: string) => void,
): Promise<Difference> => {
  const difference = { objects: 0, size: 0, missing: 0, bytesMissing: 0, extra: 0 };
  for await (const [wanted, present] of mergeJoin(fromSet(listed), allOf(store))) {
    if (wanted === undefined) {
      difference.extra += 1;
      continue;
    }
    forget(wanted.key);
    difference.objects += 1;
    difference.size += wanted.size;
    if (present !== undefined && isThere(present, wanted)) continue;
    difference.missing += 1;
    difference.bytesMissing += wanted.size;
  }
  return difference;
};

const batch = 1000;

interface Settling {
  /** Objects that are expected to have another ETag; see `BringBack.exceptions`. */
  readonly exceptions: () => AsyncIterable<ListedObject>;
  readonly deleteExtra: boolean;
  readonly forget: (key: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Looks at a bucket once more after everything was brought back: rejects with `objects-failed`
 * unless every object of the set that is not lost is there, with its size, and with its own ETag or
 * the one in `exceptions`. Its content was proven before, so an ETag that proves nothing will do.
 * After that it deletes the objects that the set does not have, if `deleteExtra` asks for it.
 * Returns how many such objects there were.
 */
export const confirmBroughtBack = async (
  listed: () => Listed,
  to: Source,
  options: Settling,
): Promise<number> => {
  const { exceptions, deleteExtra, forget, signal } = options;
  const wrong: string[] = [];
  let extra = 0;
  const expected = withExceptions(listed(), exceptions());
  for await (const [wanted, present] of mergeJoin(fromSet(expected), allOf(to.store))) {
    signal.throwIfAborted();
    if (wanted === undefined) {
      extra += 1;
      continue;
    }
    forget(wanted.key);
    const isRight =
      wanted.etagNow === '' ||
      (present !== undefined &&
        (isThere(present, wanted) ||
          (present.size === wanted.size && present.etag === (wanted.etagNow ?? wanted.etag))));
    if (!isRight && wrong.length < 1000) wrong.push(wanted.key);
  }
  if (wrong.length > 0) {
    throw new CharmError(
      'objects-failed',
      `${wrong.length} objects of the bucket ${to.bucket} are not what was just brought back: ${keysText(wrong)}. Something writes to the bucket at` +
        ` the same time; nothing was deleted. Stop it, then run the action again.`,
    );
  }
  if (deleteExtra && extra > 0) await deleteUnknown(listed(), to, options);
  return extra;
};

/**
 * The objects of a set. `etagNow` is the ETag that an object has when it is not its own, and empty
 * when the object is lost.
 */
async function* withExceptions(
  listed: Listed,
  exceptions: AsyncIterable<ListedObject>,
): AsyncGenerator<StoredObject & { readonly etagNow: string | undefined }> {
  const given = { items: readAhead(exceptions, 'list of exceptions') };
  for await (const [item, exception] of mergeJoin(fromSet(listed), given))
    if (item) yield { ...item, etagNow: exception && (exception.mirrorEtag ?? exception.etag) };
}

const fromSet = <Item extends StoredObject>(listed: AsyncIterable<Item>): Side<Item> => ({
  items: readAhead(listed, 'object list of the set'),
});

const allOf = (store: ObjectStore): Side<StoredObject> => ({
  items: readAhead(store.list(''), 'listing of the bucket'),
});

const deleteUnknown = async (
  listed: Listed,
  { store }: Source,
  { forget, signal }: { readonly forget: (key: string) => void; readonly signal: AbortSignal },
): Promise<void> => {
  let keys: string[] = [];
  for await (const [wanted, present] of mergeJoin(fromSet(listed), allOf(store))) {
    signal.throwIfAborted();
    if (wanted !== undefined) forget(wanted.key);
    else if (present !== undefined) keys.push(present.key);
    if (keys.length < batch) continue;
    await store.delete(keys);
    keys = [];
  }
  if (keys.length > 0) await store.delete(keys);
};
