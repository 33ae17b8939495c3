import type { Clock } from '../world.ts';

/** Milliseconds. Much shorter than the time after which another operation may take the lock. */
export const freshMilliseconds = 15_000;

/**
 * Asks only when the last answer is too old, as after the process was stopped for a while, and asks
 * again when the answer itself took that long. Calls that come meanwhile share one answer.
 */
export const nowAndThen = (clock: Clock, ask: () => Promise<void>): (() => Promise<void>) => {
  let asked = NaN;
  let answer: Promise<void> | undefined;
  const isFresh = (): boolean => Math.abs(clock.now().getTime() - asked) < freshMilliseconds;
  return async () => {
    for (;;) {
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
  };
};
