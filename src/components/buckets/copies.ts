import { hasCode } from '../../errors.ts';
import type { ListedObject } from '../../repository/object-list.ts';
import type { Clock } from '../../world.ts';
import type { Comparison } from './compare.ts';
import { weightOf } from './copy-context.ts';
import type { CopyJob, CopyObject } from './copy-object.ts';
import type { ProgressOfBucket } from './progress.ts';
import type { Transfers } from './transfers.ts';

/** The result of the copies of a pass. */
export interface CopyCounts {
  unchanged: number;
  copied: number;
  archived: number;
  vanished: number;
  /** Objects whose tags are in the list, because the target does not take them. */
  tagsListed: number;
  /** Objects whose tags the source could not read. */
  tagsUnreadable: number;
  /** The size of everything in the list. */
  bytes: number;
  bytesCopied: number;
}

/** Is told once how a copy ended. */
interface Place {
  /**
   * The line of the object; undefined when it has vanished. `contentEtag` is the ETag of what was
   * copied.
   */
  settle(object: ListedObject | undefined, contentEtag?: string): void;
}

interface Failure {
  readonly job: CopyJob;
  readonly place: Place;
  readonly error: unknown;
}

/** The copies of a pass, many at a time. */
export interface Copies {
  readonly counts: CopyCounts;
  /** Failed objects, at most about a thousand. */
  readonly failures: readonly Failure[];
  /** Whether so many failed, in all or in a row, that it makes no sense to go on. */
  readonly hopeless: boolean;
  /** Begins a copy as soon as there is room for it; does not wait for its end. */
  start(
    comparison: Pick<Comparison, 'source' | 'mirror'>,
    place: Place,
    how: Pick<CopyJob, 'asks' | 'sha256' | 'listed'>,
  ): Promise<void>;
  /** Waits until nothing is in flight. */
  idle(): Promise<void>;
  /** Tries what failed once more. */
  retry(): Promise<void>;
}

/** After so many failures in a row a server is taken to be down. */
const mostInRow = 50;
const mostFailures = 1000;

export const startCopies = (
  copyOne: CopyObject,
  transfers: Transfers,
  progress: ProgressOfBucket,
): Copies => {
  const counts: CopyCounts = {
    unchanged: 0,
    copied: 0,
    archived: 0,
    vanished: 0,
    tagsListed: 0,
    tagsUnreadable: 0,
    bytes: 0,
    bytesCopied: 0,
  };
  const inFlight = new Set<Promise<void>>();
  let failures: Failure[] = [];
  let inRow = 0;

  const copy = async (job: CopyJob, place: Place, weight: number): Promise<void> => {
    const shown = progress.begin(job.source.key, job.source.size);
    try {
      const result = await copyOne(job, shown.moved);
      inRow = 0;
      place.settle(result?.object, result?.contentEtag);
      if (job.archived) counts.archived += 1;
      if (result) {
        const { size, tags, tagsUnreadable } = result.object;
        if (tags) counts.tagsListed += 1;
        if (tagsUnreadable) counts.tagsUnreadable += 1;
        counts.bytes += size;
        if (result.copied) counts.copied += 1;
        else counts.unchanged += 1;
        if (result.copied) counts.bytesCopied += size;
      } else counts.vanished += 1;
      shown.end(result ? 'copied' : 'vanished');
      transfers.leave(weight, {
        ...(result?.latency !== undefined && { latency: result.latency }),
      });
    } catch (error) {
      inRow += 1;
      failures.push({ job, place, error });
      shown.end('failed');
      transfers.leave(weight, { overloaded: hasCode(error, 'store-unreachable') });
    }
  };
  const launch = async (job: CopyJob, place: Place): Promise<void> => {
    const weight = weightOf(job.source);
    await transfers.enter(weight);
    const running = copy(job, place, weight).finally(() => inFlight.delete(running));
    inFlight.add(running);
  };

  return {
    counts,
    get failures() {
      return failures;
    },
    get hopeless() {
      return inRow >= mostInRow || failures.length >= mostFailures;
    },
    start: ({ source, mirror }, place, how) =>
      launch({ source, mirror, ...how, archived: false }, place),
    idle: async () => {
      await Promise.all(inFlight);
    },
    retry: async () => {
      const again = failures;
      failures = [];
      inRow = 0;
      for (const { job, place } of again) await launch(job, place);
      await Promise.all(inFlight);
    },
  };
};

/** Tries failed copies again at the end of a pass, twice: failures often pass with the load. */
export const retryFailed = async (
  copies: Copies,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> => {
  for (const pause of [1000, 5000]) {
    if (copies.failures.length === 0 || signal.aborted) return;
    await clock.sleep(pause, signal);
    await copies.retry();
  }
};
