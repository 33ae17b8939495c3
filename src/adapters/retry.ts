import type { Clock } from '../world.ts';

interface RetryOptions {
  readonly clock: Clock;
  /** Ends the waiting. The work itself has to heed the signal on its own. */
  readonly signal?: AbortSignal | undefined;
  readonly mayPass: (error: unknown) => boolean;
  /** Milliseconds: of the first pause and of the longest. Each is twice the one before. */
  readonly pauses: readonly [first: number, longest: number];
  /** Milliseconds after which no attempt begins any more. */
  readonly patience?: number;
  readonly attempts?: number;
  /** Milliseconds to wait that the other side has asked for in its refusal. */
  readonly asked?: (error: unknown) => number | undefined;
  /**
   * From 0 up to 1: the part of the pause that is taken, so that many clients do not come back at
   * once. Without it, the whole pause.
   */
  readonly random?: () => number;
  /** Called before each attempt but the first. */
  readonly onRetry?: () => void;
}

/** A longer wait that is asked for is not heeded: half an hour of `Retry-After` is a mistake. */
const longestAsked = 30_000;

/**
 * Repeats work that may be done twice until it succeeds, as long as its failures may pass by
 * themselves. S3, Kubernetes and Juju are all retried in this way. Rejects with the last failure,
 * or with the signal's reason.
 */
export const retry = async <T>(work: () => Promise<T>, options: RetryOptions): Promise<T> => {
  const { clock, signal, mayPass, pauses, patience, attempts, asked, random, onRetry } = options;
  const [first, longest] = pauses;
  const deadline = clock.now().getTime() + (patience ?? Infinity);
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      const ceiling = Math.min(first * 2 ** (attempt - 1), longest);
      const pause = Math.round(
        Math.min(asked?.(error) ?? 0, longestAsked) + (random?.() ?? 1) * ceiling,
      );
      const isLast = attempt === attempts || clock.now().getTime() + pause > deadline;
      if (isLast || !mayPass(error)) throw error;
      onRetry?.();
      await clock.sleep(pause, signal);
    }
  }
};
