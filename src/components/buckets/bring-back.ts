import type { Bandwidth } from './bandwidth.ts';
import { startCopies, type Copies } from './copies.ts';
import { compareBuckets } from './compare.ts';
import { ProgressOfBucket } from './progress.ts';
import type { ListedObject } from '../../repository/object-list.ts';
import { isMd5, provesContent } from '../../repository/etag.ts';
import { readAhead } from '../../repository/read-ahead.ts';
import { Transfers } from './transfers.ts';
import { failedObjectsText } from './failed-objects.ts';
import { CharmError } from '../../errors.ts';
import type { Clock, Source, StoredObject } from '../../world.ts';
import type { StoredSet } from './stored-set.ts';

interface BucketRestoreOptions {
  readonly transfers: number;
  readonly bandwidth: Bandwidth;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progress?: ProgressOfBucket;
}

export interface BringBack {
  readonly objects: number;
  readonly size: number;
  readonly copied: number;
  readonly bytesCopied: number;
  /** The ETags of the objects whose own could not be given back, because nobody knows how it came about. */
  readonly otherEtags: ReadonlyMap<string, string>;
}

/**
 * Brings every object of a set back into its bucket, with its metadata, its tags and the parts that it had, so that it has its ETag again. What is
 * there already with the same size and ETag is passed over; what the set does not know is left alone. Memory does not grow with the bucket.
 * Rejects with `objects-failed`, which names objects; what was brought back stays, and is passed over the next time.
 */
export const bringBack = async (
  set: StoredSet,
  to: Source,
  options: BucketRestoreOptions,
): Promise<BringBack> => {
  const { clock, signal } = options;
  const stop = new AbortController();
  const progress = options.progress ?? new ProgressOfBucket(clock);
  const copies = startCopies(
    {
      ...options,
      from: set,
      to: to.store,
      mirror: '',
      history: '',
      archive: false,
      signal: AbortSignal.any([signal, stop.signal]),
      learnt: { opaqueEtags: false, opaqueCopies: false, usedParts: false },
    },
    new Transfers(options.transfers),
    progress,
  );
  const otherEtags = new Map<string, string>();
  const damaged: string[] = [];
  const settle = (listed: StoredObject, written: ListedObject | undefined): void => {
    if (written === undefined || isDamaged(set.listed(listed.key), written))
      damaged.push(listed.key);
    else if (written.mirrorEtag !== undefined) otherEtags.set(listed.key, written.mirrorEtag);
    set.forget(listed.key);
  };

  try {
    const comparisons = compareBuckets({
      source: readAhead(set.list(), 'object list of the set'),
      mirror: readAhead(to.store.list(''), 'listing of the bucket'),
      prefix: '',
      baseline: undefined,
    });
    for await (const comparison of comparisons) {
      signal.throwIfAborted();
      const { source: listed, mirror: present } = comparison;
      progress.list(listed.size);
      if (present !== undefined && isThere(present, listed)) {
        copies.counts.unchanged += 1;
        copies.counts.bytes += listed.size;
        progress.pass(listed.size);
        set.forget(listed.key);
      } else {
        await copies.start(comparison, {
          settle: (written) => {
            settle(listed, written);
          },
        });
      }
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
  if (copies.failures.length > 0 || damaged.length > 0) throw failed(to, copies, damaged);
  const { unchanged, copied, bytes, bytesCopied } = copies.counts;
  return { objects: unchanged + copied, size: bytes, copied, bytesCopied, otherEtags };
};

/** Whether a bucket's object is the one that the set lists. */
export const isThere = (present: StoredObject, listed: StoredObject): boolean =>
  present.size === listed.size && provesContent(present, listed);

/** Whether what was read from the backup cannot be what the bucket once had. */
const isDamaged = (listed: ListedObject, written: ListedObject): boolean =>
  written.mirrorEtag !== undefined &&
  ((listed.mirrorEtag === undefined && isMd5(listed.etag)) ||
    (listed.sha256 !== undefined &&
      written.sha256 !== undefined &&
      listed.sha256 !== written.sha256));

/** Failures often pass with the load, so what failed is tried again at the end, twice. */
const retryFailed = async (copies: Copies, clock: Clock, signal: AbortSignal): Promise<void> => {
  for (const pause of [1000, 5000]) {
    if (copies.failures.length === 0 || signal.aborted) return;
    await clock.sleep(pause, signal);
    await copies.retry();
  }
};

const failed = (to: Source, copies: Copies, damaged: readonly string[]): CharmError => {
  const keys = [...damaged, ...copies.failures.map(({ job }) => job.source.key)];
  const errors = [
    ...damaged.map(() => new Error('the backup of it is damaged')),
    ...copies.failures.map(({ error }) => error),
  ];
  return new CharmError(
    'objects-failed',
    failedObjectsText({
      failed: `${keys.length}${copies.hopeless ? ' or more' : ''} ${keys.length === 1 ? 'object' : 'objects'} could not be brought back into the bucket ${to.bucket}`,
      ...{ keys, errors },
      next: 'What was brought back is passed over when the action is run again.',
    }),
  );
};
