import { hasCode } from '../../errors.ts';
import { createObjectListWriter } from '../../repository/object-list-writer.ts';
import type { ListedObject } from '../../repository/object-list.ts';
import { abortUploads } from '../../repository/unfinished-uploads.ts';
import type { Clock, KeyRange, Source, Target } from '../../world.ts';
import type { Bandwidth } from './bandwidth.ts';
import { compareMirror, isBack, type Comparison } from './compare.ts';
import { retryFailed, startCopies, type CopyCounts } from './copies.ts';
import { nothingLearnt, type CopyContext } from './copy-context.ts';
import { ObjectsFailed } from './failed-objects.ts';
import { ProgressOfBucket } from './progress.ts';
import { shrunkProblem } from './shrunk.ts';
import { copyInThreads } from './threads/copy-in-threads.ts';
import type { CopyThreads } from './threads/copy-threads.ts';
import { Transfers } from './transfers.ts';
import { walkSource } from './walk-source.ts';

/*
 * This folder copies buckets: from MinIO into the mirror for a backup (this file), and back for a
 * restore (bring-back.ts).
 */

export interface BucketOptions {
  /** The keys of the mirror begin with this: `<prefix>/<bucket>/`. */
  readonly mirror: string;
  /** The keys of replaced versions begin with this: `<prefix>/history/<bucket>/`. */
  readonly history: string;
  /** The list of the last pass or the last set, in key order; undefined when there is none. */
  readonly baseline: AsyncIterable<ListedObject> | undefined;
  /**
   * The only keys that this pass copies; undefined for the whole bucket. Other units copy other
   * ranges at the same time, so unfinished uploads stay, and nobody judges how much the source has.
   */
  readonly range?: KeyRange | undefined;
  /** When S3 got the list of the last set; undefined when that is not known. */
  readonly lastListed?: Date | undefined;
  /** The file that this pass writes its object list to, gzipped. */
  readonly list: string;
  /** Whether versions that are replaced have to be kept, because a set may list them. */
  readonly archive: boolean;
  /** Whether the target keeps tags; where it does not, they go to the object list. */
  readonly keepsTags: boolean;
  /**
   * Whether what is new in the mirror has to show up in its listing. It costs a request for each
   * such object, so only the pass asks for it whose list becomes the set's.
   */
  readonly confirmListed: boolean;
  /**
   * From then on nothing should be written to the source; objects that are written nevertheless are
   * counted.
   */
  readonly quietSince?: Date | undefined;
  /**
   * Called before anything in the mirror is replaced. Rejects when another operation works on the
   * path by now.
   */
  readonly mayWrite?: () => Promise<void>;
  /** How many objects the last complete set has; undefined when there is none. */
  readonly previousCount: number | undefined;
  readonly allowShrink: boolean;
  /** The most transfers at a time; fewer when the servers are too slow for them. */
  readonly transfers: number;
  /** Undefined when this thread copies everything. */
  readonly threads?: CopyThreads;
  /** Shared by all passes, since it limits all of them together. */
  readonly bandwidth: Bandwidth;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Is told what happens, to show it. */
  readonly progress?: ProgressOfBucket;
}

export interface BucketPass extends Readonly<CopyCounts> {
  /** Objects in the list: those that were unchanged or copied. */
  readonly listed: number;
  /** Changed objects that were written after `quietSince`, and the keys of the first few. */
  readonly written: { readonly count: number; readonly first: readonly string[] };
  /**
   * Objects whose version was in the mirror already when the last set was listed, which did not
   * have it. Undefined when that was not counted.
   */
  readonly cameBack: number | undefined;
  readonly seconds: number;
}

/**
 * Brings the mirror of a bucket up to date and writes the list of what it then holds: every object
 * as the source had it, in key order. Nothing is deleted, and memory does not grow with the bucket.
 * What an earlier pass copied is not copied again.
 *
 * Rejects with `ObjectsFailed` when objects could not be copied although they were tried again,
 * with `source-shrunk` when the source lost its objects, with the failure of a listing, with
 * `backup-running` when another operation has taken the path, or with the signal's reason. There is
 * no list then, and what was copied stays.
 */
export const copyBucket = async (
  from: Source,
  to: Target,
  options: BucketOptions,
): Promise<BucketPass> => {
  const { clock, mirror } = options;
  const clearUploads = async (): Promise<void> => {
    if (options.range === undefined) await abortUploads(to.store, mirror);
  };
  const started = clock.now().getTime();
  const stop = new AbortController();
  const lost = new AbortController();
  const signal = AbortSignal.any([options.signal, lost.signal]);
  const mayWrite = async (): Promise<void> => {
    try {
      await options.mayWrite?.();
    } catch (error) {
      // It will be the same for every other object.
      if (hasCode(error, 'backup-running')) lost.abort(error);
      throw error;
    }
  };
  const context: CopyContext = {
    ...options,
    mayWrite,
    from: from.store,
    to: to.store,
    signal: AbortSignal.any([signal, stop.signal]),
    learnt: nothingLearnt(),
  };
  const progress = options.progress ?? new ProgressOfBucket(clock);
  const copyOne = copyInThreads(options.threads, context, { kind: 'copy', bucket: from.bucket });
  const copies = startCopies(copyOne, new Transfers(options.transfers), progress);
  await mayWrite();
  await clearUploads();
  await using list = createObjectListWriter(options.list);
  const written = { count: 0, first: new Array<string>() };
  let cameBack = 0;
  const counted = countReturns(compareMirror(from, to, options), options.lastListed, () => {
    cameBack += 1;
  });
  try {
    const listed = await walkSource(counted, copies, list, {
      quietSince: options.quietSince,
      signal,
      progress,
      written,
    });
    if (!copies.hopeless) {
      const shrunk =
        options.range === undefined && !options.allowShrink
          ? shrunkProblem(from, listed, options.previousCount)
          : undefined;
      if (shrunk !== undefined) throw shrunk;
      await copies.idle();
      await retryFailed(copies, clock, signal);
    }
    signal.throwIfAborted();
  } finally {
    stop.abort();
    await copies.idle();
    if (context.learnt.usedParts)
      await mayWrite()
        .then(clearUploads)
        .catch(() => undefined);
  }
  if (copies.failures.length > 0) {
    const failed = copies.failures.map(({ job, error }) => ({ key: job.source.key, error }));
    throw new ObjectsFailed(from, failed, copies.hopeless);
  }
  await list.close();
  const { counts } = copies;
  return {
    ...counts,
    listed: counts.unchanged + counts.copied,
    written,
    cameBack: options.lastListed && cameBack,
    seconds: (clock.now().getTime() - started) / 1000,
  };
};

async function* countReturns(
  comparisons: AsyncIterable<Comparison>,
  lastListed: Date | undefined,
  found: () => void,
): AsyncGenerator<Comparison> {
  for await (const comparison of comparisons) {
    if (lastListed !== undefined && isBack(comparison, lastListed)) found();
    yield comparison;
  }
}
