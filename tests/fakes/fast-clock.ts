import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../src/world.ts';

/** A clock on which everything takes a fraction of its time: seconds of back-off pass in milliseconds. */
export const createFastClock = (times = 100): Clock => {
  const start = Date.now();
  return {
    now: () => new Date(start + (Date.now() - start) * times),
    async sleep(milliseconds, signal) {
      signal?.throwIfAborted();
      try {
        await delay(milliseconds / times, undefined, signal ? { signal } : {});
      } catch (error) {
        signal?.throwIfAborted();
        throw error;
      }
    },
  };
};
