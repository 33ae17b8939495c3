import type { BucketBackup } from '../../repository/manifest.ts';
import { type ListedObject, openProvenList } from '../../repository/object-list.ts';
import type { Layout } from '../../repository/layout.ts';
import { CharmError, hasCode } from '../../errors.ts';
import { storedEtag } from '../../repository/versions.ts';
import type { ObjectContent, ObjectStore, StoredObject } from '../../world.ts';

/**
 * What a backup set holds of one bucket, as if it were that bucket: the keys, sizes and ETags that the objects had there, read from wherever their
 * bytes lie by now, in the mirror or in the history. So the copy engine can bring them back as it once fetched them.
 */
export interface StoredSet extends Pick<
  ObjectStore,
  'description' | 'get' | 'fetch' | 'head' | 'tags'
> {
  /** In the order of the keys' UTF-8 bytes. Each object that was listed can be read until it is forgotten. */
  list(): AsyncIterable<StoredObject>;
  /** The line of an object that is under way. */
  listed(key: string): ListedObject;
  /** To be called for every object that was listed, when nobody will read it any more; otherwise memory grows with the set. */
  forget(key: string): void;
}

/** An object under way: how it is listed, and where its bytes were found. */
interface Known {
  readonly listed: ListedObject;
  /** Its key in the target bucket, once it was read from there. */
  at?: string;
}

export const openStoredSet = (
  store: ObjectStore,
  layout: Layout,
  { bucket, list }: BucketBackup,
): StoredSet => {
  const mirror = layout.mirror(bucket);
  const history = layout.history(bucket);
  const known = new Map<string, Known>();
  const find = (key: string): Known => {
    const found = known.get(key);
    if (found === undefined) throw new TypeError(`${key} is not under way`);
    return found;
  };
  const lost = ({ listed }: Known): CharmError =>
    new CharmError(
      'store-corrupt',
      `its backup is neither at ${mirror}${listed.key} nor in the history, with the ETag ${storedEtag(listed)}`,
    );

  /** Asks for it in the mirror first, then among the versions that were replaced. */
  const fromEither = async <T>(object: Known, read: (key: string) => Promise<T>): Promise<T> => {
    for (const key of placesOf(mirror, history, object.listed)) {
      if (object.at !== undefined && object.at !== key) continue;
      try {
        const result = await read(key);
        object.at = key;
        return result;
      } catch (error) {
        if (!hasCode(error, 'object-missing', 'object-changed')) throw error;
      }
    }
    throw lost(object);
  };
  const original = <T extends StoredObject>(found: T, { listed }: Known): T => ({
    ...found,
    key: listed.key,
    etag: listed.etag,
    lastModified: new Date(listed.lastModified),
  });

  /**
   * What lies under the key in the mirror may be another version by now. In the history the key names the version, and a copy that the
   * server made there of an object in parts may have an ETag of its own.
   */
  const guard = (at: string, { listed }: Known): { readonly etag?: string } =>
    at.startsWith(history) ? {} : { etag: storedEtag(listed) };

  return {
    description: `backup of bucket ${bucket} in ${store.description}`,
    list: async function* () {
      for await (const listed of openProvenList(store, list)) {
        known.set(listed.key, { listed });
        const { key, size, etag } = listed;
        yield { key, size, etag, lastModified: new Date(listed.lastModified) };
      }
    },
    listed: (key) => find(key).listed,
    forget: (key) => known.delete(key),
    get: async (key, options = {}): Promise<ObjectContent> => {
      const object = find(key);
      const content = await fromEither(object, (at) =>
        store.get(at, { ...options, ...guard(at, object) }),
      );
      return original(content, object);
    },
    fetch: async (key) => {
      const object = find(key);
      const fetched = await fromEither(object, (at) => store.fetch(at, guard(at, object)));
      return original(fetched, object);
    },
    head: async (key, options) => {
      const object = find(key);
      const found = await fromEither(object, async (at) => {
        const there = await store.head(at, options);
        const { etag } = guard(at, object);
        if (there !== undefined && (etag === undefined || there.etag === etag)) return there;
        throw new CharmError('object-missing', `There is no such ${at}.`);
      });
      return original(found, object);
    },
    tags: (key) => {
      const { at } = find(key);
      return store.tags(at ?? mirror + key);
    },
  };
};

/** Where the bytes of a listed object may be: in the mirror, or in the history once a later backup has replaced them. */
const placesOf = (
  mirror: string,
  history: string,
  listed: ListedObject,
): readonly [string, string] => [
  `${mirror}${listed.key}`,
  `${history}${listed.key}/${storedEtag(listed)}`,
];
