import type { ObjectMetadata, ObjectStore } from '../../src/world.ts';
import type { StoreQuirks } from './object-store.ts';

type Tags = ObjectMetadata['tags'];

/** None on a server that has no tags. */
export const tagsOn = (quirks: StoreQuirks, tags: Tags): Tags =>
  quirks.has('refuses-tags') ? {} : tags;

/** The tags of an object; none on a server that has none. */
export const readTags = async (
  store: ObjectStore,
  key: string,
  quirks: StoreQuirks,
): Promise<Tags> => (quirks.has('refuses-tags') ? {} : store.tags(key));
