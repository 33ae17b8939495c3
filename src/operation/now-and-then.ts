import { CharmError } from '../errors.ts';
import type { Clock } from '../world.ts';

/** Milliseconds. Much shorter than the time after which another operation may take the lock. */
export const freshMilliseconds = 15_000;

/** Answers in a row that may be too old when they come; with so many nothing would get on. */
const mostStale = 20;

/**
 * Asks only when the last answer is too old, as after the process was stopped for a while, and asks
 * again when the answer itself took that long. Calls that come meanwhile share one answer. Rejects
 * with `store-unreachable` when the answer takes that long each time.
 */
export const nowAndThen = (clock: Clock, ask: () => Promise<void>): (() => Promise<void>) => {
  let asked = NaN;
  let answer: Promise<void> | undefined;
  const isFresh = (): boolean => Math.abs(clock.now().getTime() - asked) < freshMilliseconds;
  return async () => {
    for (let stale = 0; stale < mostStale; stale += 1) {
      if (answer === undefined || !isFresh()) {
        asked = clock.now().getTime();
        const asking = ask();
        asking.catch(() => {
          if (answer === asking) answer = undefined;
        });
        answer = asking;
      }
      await answer;
      if (isFresh()) return;
    }
    throw new CharmError(
      'store-unreachable',
      `S3 took longer than ${freshMilliseconds / 1000} s for each of ${mostStale} small requests, so nobody can know whether this unit may still write. Find out why S3 is so slow, and run the action again.`,
    );
  };
};
