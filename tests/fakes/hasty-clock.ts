import type { Clock } from '../../src/world.ts';

/**
 * Real time, and what was told to pass; short pauses are shorter, and nobody wakes from long ones.
 */
export const hastyClock = (): Clock & { pass(seconds: number): void } => {
  let passed = 0;
  return {
    now: () => new Date(Date.now() + passed),
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        if (milliseconds < 10_000) setTimeout(resolve, Math.min(milliseconds, 5));
        signal?.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
      }),
    pass: (seconds) => {
      passed += seconds * 1000;
    },
  };
};
