import { isDeepStrictEqual } from 'node:util';
import { CharmError, hasCode } from '../../errors.ts';
import { partsOf } from '../../ports/etags.ts';
import { provesContent, smallestPart } from '../../repository/etag.ts';
import { listedMetadata } from '../../repository/listed-metadata.ts';
import type { ListedObject } from '../../repository/object-list.ts';
import { nameInHistory } from '../../repository/versions.ts';
import { excerpt } from '../../text.ts';
import type { ObjectMetadata, StoredObject } from '../../world.ts';
import { confirmKept, confirmListed } from './confirm-written.ts';
import type { CopyContext, Moved } from './copy-context.ts';
import { copyParts } from './copy-in-parts.ts';
import { copyOnServer } from './copy-on-server.ts';
import { copySmall, copyStreamed, type Copy } from './copy-whole.ts';
import { belongingsOf, type Belongings } from './read-source.ts';

/** An object that has to be copied. The fields change with what an attempt finds out. */
export interface CopyJob {
  /** The object as it was last seen in the source. */
  source: StoredObject;
  /**
   * The object that will be replaced, with its key in the mirror's bucket. Undefined when there is
   * none, or when it has been kept already.
   */
  mirror: StoredObject | undefined;
  /**
   * What has to be found out when the mirror may have its bytes: whether it has them (`content`),
   * whether what belongs to it is the same too (`all`), or only what belongs to it, because it has
   * them for certain (`metadata`).
   */
  readonly asks: 'content' | 'all' | 'metadata';
  /** Of its bytes, where the last list tells it. */
  readonly sha256?: string | undefined;
  /** Its line in the set that it is brought back from. */
  readonly listed?: ListedObject;
  archived: boolean;
}

export interface CopiedObject {
  /** Its line in the object list. */
  readonly object: ListedObject;
  /** False when the mirror turned out to have it. */
  readonly copied: boolean;
  /** The ETag of the content that was copied. */
  readonly contentEtag?: string;
  readonly latency?: number;
}

/** As `copyObject`, with a context of its own. */
export type CopyObject = (job: CopyJob, moved: Moved) => Promise<CopiedObject | undefined>;

/** Up to this size an object is copied through memory. */
const small = 2 ** 20;
/** What S3 takes in one PUT. */
const largestPut = 5 * 2 ** 30;
/** How often an object that keeps changing is read again. */
const readings = 5;

/** Whether an object is copied through memory: it is small, also compared with the bandwidth. */
const isSmall = ({ bandwidth }: CopyContext, { size }: StoredObject): boolean =>
  size <= Math.min(small, bandwidth.grain());

/**
 * Brings one object into the mirror and proves it. What it replaces is kept in the history first.
 * An object that changes while it is read is read again. Resolves with undefined when it has
 * vanished.
 */
export const copyObject = async (
  context: CopyContext,
  job: CopyJob,
  moved: Moved,
): Promise<CopiedObject | undefined> => {
  checkKey(context, job.source.key);
  for (let reading = 1; ; reading += 1) {
    const { source, mirror } = job;
    const isNew = mirror === undefined;
    let found: Known | undefined;
    try {
      found = mirror && (await findMirrored(context, job, mirror, reading));
    } catch (error) {
      if (!mirror || !hasCode(error, 'object-missing', 'object-changed')) throw error;
      // It is no longer what was listed, as after a write of ours whose answer was lost.
      job.mirror = await context.to.head(mirror.key);
      if (reading === readings) throw error;
      continue;
    }
    if (mirror && found) return { object: listedAs(source, mirror.etag, found), copied: false };
    await keepReplaced(context, job);
    try {
      const copy = await copyContent(context, source, moved);
      if (isNew && context.confirmListed) await confirmListed(context, source.key);
      const { sha256 } = copy;
      return {
        object: listedAs(source, copy.mirrorEtag, {
          ...copy.belongings,
          ...(sha256 && { sha256 }),
        }),
        copied: true,
        contentEtag: copy.contentEtag,
        ...(copy.latency !== undefined && { latency: copy.latency }),
      };
    } catch (error) {
      if (!hasCode(error, 'object-missing', 'object-changed')) throw error;
      const found = await context.from.head(source.key);
      if (!found) return undefined;
      if (reading === readings || found.etag === source.etag) throw error;
      const { key, size, etag, lastModified } = found;
      job.source = { key, size, etag, lastModified };
    }
  }
};

/** What a list tells of an object besides its ETags. */
type Known = Pick<ListedObject, 'sha256' | 'tags' | 'tagsUnreadable'> & {
  readonly metadata?: ObjectMetadata;
};

/** What is known of an object that the mirror has already; undefined when it has to be copied. */
const findMirrored = async (
  context: CopyContext,
  { source, asks, sha256 }: CopyJob,
  mirror: StoredObject,
  reading: number,
): Promise<Known | undefined> => {
  if (mirror.size !== source.size) return undefined;
  if (asks === 'metadata' && reading === 1) {
    const belongings = await describe(context, source);
    return belongings && { ...belongings, ...(sha256 !== undefined && { sha256 }) };
  }
  const hasContent =
    provesContent(mirror, source) || (await context.hasContent?.(mirror, source)) === true;
  if (!hasContent) return undefined;
  if (asks === 'content') return {};
  const [theirs, ours] = await Promise.all([
    describe(context, source),
    describeCopy(context, mirror),
  ]);
  if (theirs === undefined) return undefined;
  const expected = context.keepsTags ? theirs.metadata : { ...theirs.metadata, tags: {} };
  return isDeepStrictEqual(expected, ours) ? theirs : undefined;
};

/** What the source has of it besides its bytes; undefined when it is another object by now. */
const describe = async (
  context: CopyContext,
  { key, etag }: StoredObject,
): Promise<Belongings | undefined> => {
  const found = await context.from.head(key);
  if (found?.etag !== etag) return undefined;
  return (await belongingsOf(context, { ...found, tagCount: undefined })).belongings;
};

/** What the mirror's copy has of that. */
const describeCopy = async (
  { to, keepsTags }: CopyContext,
  { key, etag }: StoredObject,
): Promise<ObjectMetadata | undefined> => {
  const found = await to.head(key);
  if (found?.etag !== etag) return undefined;
  return { ...found.metadata, tags: keepsTags ? await to.tags(key) : {} };
};

/** The line of an object, with what is known of it. */
export const listedAs = (
  { key, size, etag, lastModified }: StoredObject,
  mirrorEtag: string,
  { sha256, metadata, tags, tagsUnreadable }: Known = {},
): ListedObject => ({
  key,
  size,
  etag,
  lastModified: lastModified.toISOString(),
  ...(mirrorEtag !== etag && { mirrorEtag }),
  ...(sha256 !== undefined && { sha256 }),
  ...(tags && { tags }),
  ...(tagsUnreadable && { tagsUnreadable }),
  ...(metadata !== undefined && { metadata: listedMetadata(metadata) }),
});

const copyContent = async (
  context: CopyContext,
  source: StoredObject,
  moved: Moved,
): Promise<Copy> => {
  // For a small one the server would be asked as often as with its bytes.
  const isLittle = isSmall(context, source);
  const onServer = isLittle ? undefined : await copyOnServer(context, source, moved);
  if (onServer !== undefined) return onServer;
  const parts = partsOf(source.etag) ?? 1;
  // The ETag of a gateway may look like one of parts that are too small for S3. Such an object is
  // copied in one piece.
  const inParts = parts > 1 && source.size > (parts - 1) * smallestPart;
  if (inParts || source.size > largestPut) return copyParts(context, source, moved);
  return isLittle ? copySmall(context, source, moved) : copyStreamed(context, source, moved);
};

/** Copies on the server what is about to be replaced to its name in the history. */
const keepReplaced = async (context: CopyContext, job: CopyJob): Promise<void> => {
  const { mirror } = job;
  if (!mirror || !context.archive) return;
  const key = nameInHistory(context.history, job.source.key, mirror.etag);
  checkLength(context, job.source.key, key);
  await context.mayWrite?.();
  try {
    await context.to.copy(mirror.key, key, mirror.etag);
    await confirmKept(context, mirror, key);
  } catch (error) {
    if (!hasCode(error, 'object-missing', 'object-changed')) throw error;
    // Something else has written to the mirror. The next attempt keeps what is there now.
    job.mirror = await context.to.head(mirror.key);
    if (!job.mirror) return;
    throw error;
  }
  job.mirror = undefined;
  job.archived = true;
};

const longestKey = 1024;

const checkKey = (context: CopyContext, key: string): void => {
  checkLength(context, key, context.mirror + key);
};

const checkLength = ({ to }: CopyContext, key: string, targetKey: string): void => {
  const length = Buffer.byteLength(targetKey);
  if (length <= longestKey) return;
  throw new CharmError(
    'store-refused',
    `The key ${excerpt(key, 50)} would have ${length} bytes in ${to.description}, as ${targetKey.slice(0, targetKey.length - key.length)}…, and S3 allows ${longestKey}. Set a shorter path, or rename the object.`,
  );
};
