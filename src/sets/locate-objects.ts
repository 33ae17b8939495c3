import type { Layout } from '../backup/layout.ts';
import type { BucketBackup } from '../backup/manifest.ts';
import type { ListedObject } from '../backup/buckets/object-list.ts';
import { isMd5 } from '../backup/buckets/part-layout.ts';
import type { ObjectStore, StoredObject } from '../world.ts';
import { inHistoryOrder } from './history-order.ts';
import { lookUp } from './look-up.ts';
import { openProvenList } from './proven-list.ts';
import { isVersion, storedEtag } from './stored-version.ts';

/** Told of each object of a set once: where its bytes lie, or why they do not. */
export interface Located {
  there(object: StoredObject, listed: ListedObject): Promise<void>;
  lost(listed: ListedObject, why: string): Promise<void>;
}

/** A listed object that the mirror does not have in this version. */
interface Sought extends ListedObject {
  readonly why: string;
}

/**
 * Looks for every object of a bucket's list in the mirror and then in the history, by the listings alone and in constant memory. Rejects with
 * `manifest-invalid` when the list itself is missing or damaged, after the objects that it did name.
 */
export const locateObjects = async (
  store: ObjectStore,
  layout: Layout,
  { bucket, list }: BucketBackup,
  located: Located,
): Promise<void> => {
  const mirror = layout.mirror(bucket);
  const history = layout.history(bucket);
  const places = { mirror, history };
  let looked = 0;
  const notInMirror = async function* (): AsyncGenerator<Sought> {
    for await (const { item, match } of lookUp({
      items: [openProvenList(store, list), 'object list'],
      among: [withoutPrefix(store.list(mirror), mirror), 'listing of the mirror'],
    })) {
      const why = differenceInMirror(item, match);
      if (match !== undefined && why === undefined)
        await located.there({ ...match, key: mirror + match.key }, item);
      else yield { ...item, why: why ?? '' };
    }
  };
  for await (const { item, match } of lookUp({
    items: [inHistoryOrder(notInMirror()), 'object list'],
    among: [withoutPrefix(store.list(history), history), 'listing of the history'],
  })) {
    const { why, ...listed } = item.listed;
    const difference = match ? differenceInHistory(listed, match) : why;
    if (match && difference === undefined) {
      await located.there({ ...match, key: history + match.key }, listed);
      continue;
    }
    looked += 1;
    const moved = looked > mostLooked ? undefined : await lookAgain(store, places, listed);
    if (moved) await located.there(moved, listed);
    else await located.lost(listed, difference ?? why);
  }
};

const mostLooked = 1000;

/** A backup that runs meanwhile moves versions to the history, where its listing may have passed already. */
const lookAgain = async (
  store: ObjectStore,
  { mirror, history }: { readonly mirror: string; readonly history: string },
  listed: ListedObject,
): Promise<StoredObject | undefined> => {
  const old = await store.head(`${history}${listed.key}/${storedEtag(listed)}`);
  if (old && differenceInHistory(listed, old) === undefined) return old;
  const current = await store.head(mirror + listed.key);
  return current && differenceInMirror(listed, current) === undefined ? current : undefined;
};

async function* withoutPrefix(
  objects: AsyncIterable<StoredObject>,
  prefix: string,
): AsyncGenerator<StoredObject> {
  for await (const object of objects) yield { ...object, key: object.key.slice(prefix.length) };
}

const differenceInMirror = (
  listed: ListedObject,
  found: StoredObject | undefined,
): string | undefined => {
  if (found === undefined) return 'is missing';
  if (!isVersion(found, listed))
    return found.size === listed.size
      ? `was replaced (its ETag is ${found.etag} instead of ${storedEtag(listed)})`
      : `was replaced (it has ${found.size} bytes instead of ${listed.size})`;
  return found.size === listed.size ? undefined : differentSize(listed, found);
};

/** A copy on the server may have another ETag than its original when that was in parts or is encrypted, so only an honest MD5 tells. */
const differenceInHistory = (listed: ListedObject, found: StoredObject): string | undefined => {
  if (found.size !== listed.size) return differentSize(listed, found);
  const isHonest = listed.mirrorEtag === undefined && isMd5(listed.etag) && isMd5(found.etag);
  return isHonest && found.etag !== listed.etag
    ? `was replaced in the history (its ETag is ${found.etag} instead of ${listed.etag})`
    : undefined;
};

const differentSize = (listed: ListedObject, found: StoredObject): string =>
  `has ${found.size} bytes instead of ${listed.size}`;
