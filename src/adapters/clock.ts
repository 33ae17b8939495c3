import { setTimeout } from 'node:timers/promises';
import type { Clock } from '../world.ts';

export const systemClock: Clock = {
  now: () => new Date(),
  async sleep(milliseconds, signal) {
    try {
      await setTimeout(milliseconds, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      // Node wraps the signal's reason; the caller needs the reason itself.
      signal?.throwIfAborted();
      throw error;
    }
  },
};
