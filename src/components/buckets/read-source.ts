import { CharmError, hasCode } from '../../errors.ts';
import type { PartLayout } from '../../repository/etag.ts';
import type { ListedObject } from '../../repository/object-list.ts';
import type { ObjectContent, ObjectMetadata, ObjectStore, StoredObject } from '../../world.ts';
import { etagOfContent } from './confirm-written.ts';
import type { CopyContext } from './copy-context.ts';

/*
 * How an object of the source, which may change at any time, is read, with its metadata.
 */

/**
 * Whether the target has just refused a write because it had no MD5. From then on every write of
 * this pass has one.
 */
export const learnsToTell = ({ learnt }: CopyContext, error: unknown): boolean => {
  if (learnt.wantsDigests || !hasCode(error, 'store-wants-digest')) return false;
  learnt.wantsDigests = true;
  return true;
};

/**
 * The MD5 of an object or a range of it. It is read twice and not kept in memory, because a part
 * may have gigabytes.
 */
export const digestOf = async (
  context: CopyContext,
  source: StoredObject,
  range?: { readonly start: number; readonly end: number },
): Promise<string> => {
  const { signal } = context;
  const { body } = await openObject(context, source, { ...(range && { range }), signal });
  return etagOfContent(context, body, undefined);
};

/**
 * Rejects with `store-corrupt` unless the source gives content with this ETag again, in this
 * layout.
 */
export const readAgain = async (
  context: CopyContext,
  source: StoredObject,
  layout: PartLayout | undefined,
  etag: string,
): Promise<void> => {
  const { signal } = context;
  const { body } = await openObject(context, source, { signal });
  if ((await etagOfContent(context, body, layout)) === etag) return;
  throw new CharmError(
    'store-corrupt',
    `The ${context.from.description} gives different content for ${source.key} each time, and none has its ETag ${source.etag}. Run the backup again, and look at that server when it happens again.`,
  );
};

/**
 * Opens the object that was listed. Rejects with `object-changed` when it is another one by now.
 */
export const openObject = async (
  { from }: CopyContext,
  { key, etag, size }: StoredObject,
  options: Omit<NonNullable<Parameters<ObjectStore['get']>[1]>, 'etag'>,
): Promise<ObjectContent> => {
  const content = await from.get(key, { etag, ...options });
  // It may break before it has a reader, who will get the error.
  content.body.on('error', () => undefined);
  if (content.etag === etag && content.size === size) return content;
  content.body.destroy();
  throw content.etag === etag ? unpacked(from, key, size, content.size) : changed(from, key);
};

/** What goes to the object list of what belongs to an object besides its bytes. */
export interface Belongings extends Pick<ListedObject, 'tags' | 'tagsUnreadable'> {
  /** With all tags, those too that the target does not keep. */
  readonly metadata: ObjectMetadata;
}

/** Reads that. `metadata` by itself is what is written to the target. */
export const belongingsOf = async (
  context: CopyContext,
  {
    key,
    metadata,
    tagCount,
  }: Pick<ObjectContent, 'key' | 'metadata'> & { readonly tagCount: number | undefined },
): Promise<{ readonly metadata: ObjectMetadata; readonly belongings: Belongings }> => {
  if (tagCount === 0) return { metadata, belongings: { metadata } };
  const tags = await readTags(context, key);
  if (tags === undefined) return { metadata, belongings: { metadata, tagsUnreadable: true } };
  const all = { ...metadata, tags };
  if (context.keepsTags) return { metadata: all, belongings: { metadata: all } };
  const isTagged = Object.keys(tags).length > 0;
  return { metadata, belongings: { metadata: all, ...(isTagged && { tags }) } };
};

/**
 * The tags of an object of the source; undefined when it stores them and cannot read them, as MinIO
 * of 2021 does with an `&` in them: nobody can bring those back.
 */
const readTags = async (
  { from }: CopyContext,
  key: string,
): Promise<ObjectMetadata['tags'] | undefined> => {
  try {
    return await from.tags(key);
  } catch (error) {
    if (hasCode(error, 'tags-unreadable')) return undefined;
    throw error;
  }
};

export const changed = ({ description }: CopyContext['from'], key: string): CharmError =>
  new CharmError('object-changed', `${key} in ${description} changed while it was read.`);

/** The error when something on the way, such as a proxy, changes what is stored. */
export const unpacked = (
  { description }: CopyContext['from'],
  key: string,
  listed: number,
  got: number,
): CharmError =>
  new CharmError(
    'store-corrupt',
    `${description} lists ${key} with ${listed} bytes and gives ${got}. Something before that server packs or unpacks objects on their way,` +
      ' so they cannot be copied as they are. Nothing of this object was written. Give the charm an address behind that proxy, or switch its compression off.',
  );
