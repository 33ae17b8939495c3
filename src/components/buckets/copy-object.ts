import { isDeepStrictEqual } from 'node:util';
import { CharmError, hasCode } from '../../errors.ts';
import { partsOf } from '../../ports/etags.ts';
import { provesContent, smallestPart } from '../../repository/etag.ts';
import type { ListedObject } from '../../repository/object-list.ts';
import { excerpt } from '../../text.ts';
import type { StoredObject } from '../../world.ts';
import { confirmKept, confirmListed } from './confirm-written.ts';
import type { CopyContext, Moved } from './copy-context.ts';
import { copyParts } from './copy-in-parts.ts';
import { copySmall, copyStreamed, type Copy } from './copy-whole.ts';
import { listedTagsOf } from './read-source.ts';

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
   * Whether it was written again since the last list, with the same ETag. Then its metadata have to
   * be compared too.
   */
  readonly isRewritten: boolean;
  archived: boolean;
}

interface CopiedObject {
  /** Its line in the object list. */
  readonly object: ListedObject;
  /** False when the mirror turned out to have it. */
  readonly copied: boolean;
  /** The ETag of the content that was copied. */
  readonly contentEtag?: string;
  readonly latency?: number;
}

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
    if (mirror && mirror.size === source.size && (await isMirrored(context, job, mirror)))
      return {
        object: listedAs(source, mirror.etag, await listedTagsOf(context, source.key)),
        copied: false,
      };
    const isNew = mirror === undefined;
    await keepReplaced(context, job);
    try {
      const copy = await copyContent(context, source, moved);
      if (isNew && context.confirmListed) await confirmListed(context, source.key);
      const { sha256, listedTags } = copy;
      return {
        object: listedAs(source, copy.mirrorEtag, { ...(sha256 && { sha256 }), ...listedTags }),
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

const isMirrored = async (
  context: CopyContext,
  { source, isRewritten }: CopyJob,
  mirror: StoredObject,
): Promise<boolean> => {
  if (isRewritten) return provesContent(mirror, source) && hasSameMetadata(context, source, mirror);
  return provesContent(mirror, source) || (await context.hasContent?.(mirror, source)) === true;
};

/** Compares everything that is copied besides the bytes. */
const hasSameMetadata = async (
  { from, to, keepsTags }: CopyContext,
  source: StoredObject,
  mirror: StoredObject,
): Promise<boolean> => {
  const [theirs, ours] = await Promise.all([from.head(source.key), to.head(mirror.key)]);
  if (theirs?.etag !== source.etag || ours?.etag !== mirror.etag) return false;
  if (!isDeepStrictEqual(theirs.metadata, ours.metadata)) return false;
  if (!keepsTags) return true;
  const tags = await Promise.all([from.tags(source.key), to.tags(mirror.key)]);
  return isDeepStrictEqual(tags[0], tags[1]);
};

/** The line of an object; `more` is what was found out when it was copied. */
export const listedAs = (
  { key, size, etag, lastModified }: StoredObject,
  mirrorEtag: string,
  { sha256, tags, tagsUnreadable }: Pick<ListedObject, 'sha256' | 'tags' | 'tagsUnreadable'> = {},
): ListedObject => ({
  key,
  size,
  etag,
  lastModified: lastModified.toISOString(),
  ...(mirrorEtag !== etag && { mirrorEtag }),
  ...(sha256 !== undefined && { sha256 }),
  ...(tags && { tags }),
  ...(tagsUnreadable && { tagsUnreadable }),
});

const copyContent = (context: CopyContext, source: StoredObject, moved: Moved): Promise<Copy> => {
  const parts = partsOf(source.etag) ?? 1;
  // The ETag of a gateway may look like one of parts that are too small for S3. Such an object is
  // copied in one piece.
  const inParts = parts > 1 && source.size > (parts - 1) * smallestPart;
  if (inParts || source.size > largestPut) return copyParts(context, source, moved);
  return isSmall(context, source)
    ? copySmall(context, source, moved)
    : copyStreamed(context, source, moved);
};

/**
 * Copies the object that will be replaced to `history/<bucket>/<key>/<its ETag>`, on the server.
 */
const keepReplaced = async (context: CopyContext, job: CopyJob): Promise<void> => {
  const { mirror } = job;
  if (!mirror || !context.archive) return;
  const key = `${context.history}${job.source.key}/${mirror.etag}`;
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
