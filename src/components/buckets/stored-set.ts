import { CharmError, hasCode } from '../../errors.ts';
import type { Layout } from '../../repository/layout.ts';
import type { BucketBackup } from '../../repository/manifest.ts';
import { metadataIn } from '../../repository/listed-metadata.ts';
import { openCheckedList } from '../../repository/checked-list.ts';
import { type ListedObject, storedEtag } from '../../repository/object-list.ts';
import { findVersion } from '../../repository/versions.ts';
import type { ObjectContent, ObjectMetadata, ObjectStore, StoredObject } from '../../world.ts';

/** Where the objects of a bucket are in the target: their keys begin with these. */
export interface StoredPlaces {
  readonly mirror: string;
  readonly history: string;
}

/**
 * Objects of a bucket as a backup set has them, in the form of a bucket: with the keys, sizes and
 * ETags that they had there, and their bytes from wherever they are now, in the mirror or in the
 * history. So the copy engine can bring them back in the way it once fetched them.
 */
export interface StoredObjects extends Pick<
  ObjectStore,
  'description' | 'get' | 'fetch' | 'head' | 'tags' | 'origin'
> {
  readonly places: StoredPlaces;
  /** From then on the object of this line can be read, until it is forgotten. */
  know(listed: ListedObject): void;
  /** The line of an object under way. Its metadata is what `get`, `head` and `tags` tell. */
  listed(key: string): ListedObject;
  /** Whether it was looked for and its bytes are neither in the mirror nor in the history. */
  isLost(key: string): boolean;
  /**
   * To be called for every object that was listed, when it will not be read any more; otherwise
   * memory grows with the set.
   */
  forget(key: string): void;
}

/** One bucket of a backup set. */
export interface StoredSet extends StoredObjects {
  /** In the order of the keys' UTF-8 bytes. Each object that was listed is known. */
  list(): AsyncIterable<StoredObject>;
}

/** An object that is being brought back: its line, and where its bytes were found. */
interface Known {
  readonly listed: ListedObject;
  at?: Place;
  isLost?: boolean;
}

/** A key of the target bucket, and the ETag that its object has to have. */
interface Place {
  readonly key: string;
  readonly etag: string;
}

/** `listStore` has the list, where that is a part which was made later than the set. */
export const openStoredSet = (
  store: ObjectStore,
  layout: Layout,
  { bucket, list }: Pick<BucketBackup, 'bucket' | 'list'>,
  listStore = store,
): StoredSet => {
  const places = { mirror: layout.mirror(bucket), history: layout.history(bucket) };
  const objects = openStoredObjects(store, bucket, places);
  return {
    ...objects,
    list: async function* () {
      for await (const listed of openCheckedList(listStore, list)) {
        objects.know(listed);
        const { key, size, etag } = listed;
        yield { key, size, etag, lastModified: new Date(listed.lastModified) };
      }
    },
  };
};

/** Without a list: for who is given one line after the other. `bucket` is for messages. */
export const openStoredObjects = (
  store: ObjectStore,
  bucket: string,
  places: StoredPlaces,
): StoredObjects => {
  const underWay = new Map<string, Known>();
  const find = (key: string): Known => {
    const found = underWay.get(key);
    if (found === undefined) throw new TypeError(`${key} is not under way`);
    return found;
  };
  const placeOf = ({ listed, at }: Known): Place =>
    at ?? { key: places.mirror + listed.key, etag: storedEtag(listed) };
  const readAt: ReadAt = (object, read) => readWhereItIs(store, places, object, read);

  return {
    description: `backup of bucket ${bucket} in ${store.description}`,
    places,
    know: (listed) => {
      underWay.set(listed.key, { listed });
    },
    listed: (key) => find(key).listed,
    isLost: (key) => find(key).isLost === true,
    forget: (key) => underWay.delete(key),
    origin: ({ key }) => store.origin(placeOf(find(key))),
    get: async (key, options = {}): Promise<ObjectContent> => {
      const object = find(key);
      const content = await readAt(object, async (place) => {
        const there = await store.get(place.key, { ...options, etag: place.etag });
        if (there.size === object.listed.size) return there;
        there.body.destroy();
        throw absent(place);
      });
      return asListed(content, object);
    },
    fetch: async (key) => {
      const object = find(key);
      const fetched = await readAt(object, async (place) => {
        const there = await store.fetch(place.key, { etag: place.etag });
        if (there.size === object.listed.size) return there;
        throw absent(place);
      });
      return asListed(fetched, object);
    },
    head: async (key, options) => {
      const object = find(key);
      if (object.isLost) return undefined;
      const metadata = metadataIn(object.listed);
      if (metadata && options?.part === undefined)
        return { ...original(object.listed, object), metadata: { ...metadata, tags: {} } };
      const found = await readAt(object, async (place) => {
        const there = await store.head(place.key, options);
        if (there?.etag === place.etag) return there;
        throw absent(place);
      });
      return original(found, object);
    },
    tags: async (key) => {
      const { at, listed } = find(key);
      return metadataIn(listed)?.tags ?? listed.tags ?? store.tags(at?.key ?? places.mirror + key);
    },
  };
};

type ReadAt = <T>(object: Known, read: (place: Place) => Promise<T>) => Promise<T>;

/**
 * Tries the mirror first, where it is most often, and looks in the history only when it is not
 * there. Notes where it was found, or that it is lost.
 */
const readWhereItIs = async <T>(
  store: ObjectStore,
  { mirror, history }: StoredPlaces,
  object: Known,
  read: (place: Place) => Promise<T>,
): Promise<T> => {
  const { listed } = object;
  const place = object.at ?? { key: mirror + listed.key, etag: storedEtag(listed) };
  try {
    const result = await read(place);
    object.at = place;
    return result;
  } catch (error) {
    if (!hasCode(error, 'object-missing', 'object-changed')) throw error;
  }
  const found = await findVersion(store, { mirror, history }, listed);
  object.isLost = found === undefined;
  if (found === undefined) throw absent(place);
  object.at = { key: found.key, etag: found.etag };
  return read(object.at);
};

/** What was read, with all that the list tells of the object. */
const asListed = <T extends { readonly metadata: ObjectMetadata; readonly tagCount: number }>(
  found: T,
  object: Known,
): T & StoredObject => tagged(withMetadata(original(found, object), object), object);

const original = <T extends object>(found: T, { listed }: Known): T & StoredObject => ({
  ...found,
  key: listed.key,
  size: listed.size,
  etag: listed.etag,
  lastModified: new Date(listed.lastModified),
});

/** Where the target keeps no tags, the list has them. */
const tagged = <T extends { readonly tagCount: number }>(found: T, { listed }: Known): T =>
  listed.tags ? { ...found, tagCount: Object.keys(listed.tags).length } : found;

/** A later set may have changed what belongs to an object, under the same ETag. */
const withMetadata = <T extends { readonly metadata: ObjectMetadata; readonly tagCount: number }>(
  found: T,
  { listed }: Known,
): T => {
  const metadata = metadataIn(listed);
  if (metadata === undefined) return found;
  const tagCount = Object.keys(metadata.tags).length;
  return { ...found, metadata: { ...metadata, tags: {} }, tagCount };
};

const absent = ({ key }: Place): CharmError =>
  new CharmError('object-missing', `There is no such ${key}.`);
