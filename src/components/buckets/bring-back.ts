import { CharmError, hasCode } from '../../errors.ts';
import { isMd5 } from '../../ports/etags.ts';
import { provesContent } from '../../repository/etag.ts';
import { createObjectListWriter } from '../../repository/object-list-writer.ts';
import { type ListedObject, readListFile, storedEtag } from '../../repository/object-list.ts';
import { readAhead } from '../../repository/read-ahead.ts';
import type { Clock, KeyRange, Source, StoredObject } from '../../world.ts';
import type { Bandwidth } from './bandwidth.ts';
import { compareBuckets, isSameSecond } from './compare.ts';
import { retryFailed, startCopies, type Copies } from './copies.ts';
import { bringingBack, type CopyContext, nothingLearnt } from './copy-context.ts';
import { listedAs } from './copy-object.ts';
import { failedObjectsText } from './failed-objects.ts';
import { ProgressOfBucket } from './progress.ts';
import type { StoredSet } from './stored-set.ts';
import { copyInThreads } from './threads/copy-in-threads.ts';
import type { CopyThreads } from './threads/copy-threads.ts';
import { Transfers } from './transfers.ts';

interface BucketRestoreOptions {
  readonly transfers: number;
  /** Undefined when this thread brings everything back. */
  readonly threads?: CopyThreads;
  readonly bandwidth: Bandwidth;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progress?: ProgressOfBucket;
  /** The path of a scratch file: see `BringBack.exceptions`. */
  readonly scratch: string;
  /** Whether to leave out objects whose backup is lost or damaged. Otherwise they make it fail. */
  readonly allowDamaged: boolean;
  /** The only keys that are looked at, all of the set's among them; undefined for all. */
  readonly range?: KeyRange;
  /** Called before anything is written. Rejects when another process does this work by now. */
  readonly mayWrite?: () => Promise<void>;
}

export interface BringBack {
  readonly objects: number;
  readonly size: number;
  readonly copied: number;
  readonly bytesCopied: number;
  /** Objects that are there without their tags, because the bucket does not take these. */
  readonly untagged: number;
  /** Objects whose backup is lost or damaged: how many, and the first few with the reason. */
  readonly lost: Lost;
  /**
   * Every object that does not have its old ETag now, in the order of the keys. `mirrorEtag` is the
   * ETag that it has instead, and empty when the object is lost. In a bucket that encrypts with a
   * key service these are all objects.
   */
  readonly exceptions: () => AsyncIterable<ListedObject>;
}

interface Lost {
  readonly count: number;
  readonly first: readonly { readonly key: string; readonly why: string }[];
}

/**
 * Brings every object of a set back into its bucket, with its metadata, its tags, as far as the
 * bucket takes them, and the parts that it had, so that it has its old ETag again wherever the
 * bucket gives such ETags. Objects that are there already, with the same bytes, metadata and tags,
 * are skipped. Objects that the set does not have are left alone. Memory does not grow with the
 * bucket. Rejects with `objects-failed`, which names objects. What was brought back stays, and is
 * skipped the next time.
 */
export const bringBack = async (
  set: StoredSet,
  to: Source,
  options: BucketRestoreOptions,
): Promise<BringBack> => {
  const { clock, scratch } = options;
  const stop = new AbortController();
  const lostWork = new AbortController();
  const signal = AbortSignal.any([options.signal, lostWork.signal]);
  const progress = options.progress ?? new ProgressOfBucket(clock);
  const context: CopyContext = {
    ...options,
    ...bringingBack(set, to.store, signal),
    mayWrite: async () => {
      try {
        await options.mayWrite?.();
      } catch (error) {
        // It will be the same for every other object.
        if (hasCode(error, 'backup-running')) lostWork.abort(error);
        throw error;
      }
    },
    signal: AbortSignal.any([signal, stop.signal]),
    learnt: nothingLearnt(),
  };
  const how = { kind: 'restore', bucket: to.bucket, set: set.places } as const;
  const copyOne = copyInThreads(options.threads, context, how);
  const copies = startCopies(copyOne, new Transfers(options.transfers), progress);
  const lost = { count: 0, first: new Array<Lost['first'][number]>() };
  const lose = (key: string, why: string): void => {
    lost.count += 1;
    if (lost.first.length < mostNamed) lost.first.push({ key, why });
  };
  await using exceptions = createObjectListWriter(scratch);

  try {
    const comparisons = compareBuckets({
      source: readAhead(set.list(), 'object list of the set'),
      mirror: readAhead(to.store.list('', options.range), 'listing of the bucket'),
      prefix: '',
    });
    for await (const comparison of comparisons) {
      signal.throwIfAborted();
      const { source: listed, mirror: present } = comparison;
      progress.list(listed.size);
      const maybeOther = present !== undefined && mayHaveOtherMetadata(set, listed, present);
      if (present !== undefined && !maybeOther && isThere(present, listed)) {
        copies.counts.unchanged += 1;
        copies.counts.bytes += listed.size;
        progress.pass(listed.size);
        set.forget(listed.key);
      } else {
        const exception = exceptions.reserve();
        const place = {
          settle: (written?: ListedObject, contentEtag?: string) => {
            const why = damageOf(set, listed, written, contentEtag);
            if (why !== undefined) lose(listed.key, why);
            const etagNow = why === undefined ? written?.mirrorEtag : '';
            exception.settle(etagNow === undefined ? undefined : listedAs(listed, etagNow));
            set.forget(listed.key);
          },
        };
        await copies.start(comparison, place, {
          asks: maybeOther ? 'all' : 'content',
          listed: set.listed(listed.key),
        });
      }
      await exceptions.drained();
      if (copies.hopeless) break;
    }
    progress.listingEnded();
    await copies.idle();
    if (!copies.hopeless) await retryFailed(copies, clock, signal);
    signal.throwIfAborted();
  } finally {
    stop.abort();
    await copies.idle();
  }
  if (copies.failures.length > 0 || (lost.count > 0 && !options.allowDamaged))
    throw notBroughtBack(to, lost, copies);
  await exceptions.close();
  const { unchanged, copied, bytes, bytesCopied, tagsListed: untagged } = copies.counts;
  return {
    ...{ objects: unchanged + copied, size: bytes, copied, bytesCopied, untagged, lost },
    exceptions: () => readListFile(scratch, scratch),
  };
};

/** So many lost objects are kept in memory; the scratch file has all of them. */
export const mostNamed = 1000;

/**
 * Whether an object was written since it was listed, so that it may have the bytes that the set
 * lists, and something else that belongs to it.
 */
const mayHaveOtherMetadata = (
  set: StoredSet,
  listed: StoredObject,
  present: StoredObject,
): boolean =>
  set.listed(listed.key).metadata !== undefined &&
  !isSameSecond(present.lastModified, listed.lastModified);

/** Whether a bucket's object is the one that the set lists, as far as its listing tells. */
export const isThere = (present: StoredObject, listed: StoredObject): boolean =>
  present.size === listed.size && provesContent(present, listed);

/**
 * Why the content that was read from the backup cannot be the original one; undefined when it can.
 */
const damageOf = (
  set: StoredSet,
  { key }: StoredObject,
  written: ListedObject | undefined,
  contentEtag: string | undefined,
): string | undefined => {
  if (written === undefined)
    return set.isLost(key)
      ? `its backup is neither at ${set.places.mirror}${key} nor in the history, with the ETag ${storedEtag(set.listed(key))}`
      : 'its backup cannot be read';
  // Nothing was copied: the object was there already.
  if (contentEtag === undefined) return undefined;
  return isContent(set.listed(key), contentEtag, written.sha256)
    ? undefined
    : 'its backup is damaged';
};

/**
 * Whether content of this ETag may be that of a listed object. Only a digest, or an ETag that is an
 * MD5 for certain, can tell that it is not.
 */
const isContent = (
  listed: ListedObject,
  contentEtag: string,
  sha256: string | undefined,
): boolean => {
  if (provesContent({ etag: contentEtag }, listed) || contentEtag === storedEtag(listed))
    return true;
  if (listed.sha256 !== undefined && sha256 !== undefined) return listed.sha256 === sha256;
  return listed.mirrorEtag !== undefined || !isMd5(listed.etag);
};

/** `objects-failed`, for objects that are lost or could not be copied. */
export const notBroughtBack = (
  to: Pick<Source, 'bucket'>,
  lost: Lost,
  { failures, hopeless }: Pick<Copies, 'failures' | 'hopeless'> = { failures: [], hopeless: false },
): CharmError => {
  const keys = [...lost.first.map(({ key }) => key), ...failures.map(({ job }) => job.source.key)];
  const errors = [
    ...lost.first.map(({ why }) => new Error(why)),
    ...failures.map(({ error }) => error),
  ];
  const count = lost.count + failures.length;
  return new CharmError(
    'objects-failed',
    failedObjectsText({
      failed: `${count}${hopeless ? ' or more' : ''} ${count === 1 ? 'object' : 'objects'} could not be brought back into the bucket ${to.bucket}`,
      ...{ keys, errors },
      next: 'What was brought back is passed over when the action is run again.',
    }),
  );
};
