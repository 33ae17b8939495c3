import { type CharmError, hasCode, orProblem } from '../../errors.ts';
import type { World } from '../../world.ts';

/** A look at what a pod needs, while the pod works. */
export interface Watch extends AsyncDisposable {
  /**
   * Fires with a CharmError when it makes no sense, or is not allowed, to go on; and with what the
   * whole operation is ended with.
   */
  readonly signal: AbortSignal;
}

/** Milliseconds between two looks. */
const pause = 30_000;

/** Whatever else fails may go better the next time. */
const final = ['volume-command-failed', 'store-denied'] as const;

/**
 * Looks twice a minute, until it is disposed of: `look` throws, or resolves with, the reason to
 * end, and is told the number of the look, counted from 1. restic and rclone themselves try again
 * for a quarter of an hour, whatever they are told.
 */
export const watch = (
  { clock, signal }: Pick<World, 'clock' | 'signal'>,
  look: (number: number) => Promise<CharmError | undefined>,
): Watch => {
  const stop = new AbortController();
  const ended = new AbortController();
  const looking = async (): Promise<void> => {
    for (let number = 1; !ended.signal.aborted; number += 1) {
      try {
        await clock.sleep(pause, stop.signal);
      } catch {
        return;
      }
      const reason = await orProblem(() => look(number));
      if (reason !== undefined && hasCode(reason, ...final)) ended.abort(reason);
    }
  };
  const done = looking();
  return {
    signal: AbortSignal.any([signal, ended.signal]),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await done;
    },
  };
};
