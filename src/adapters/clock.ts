import { setTimeout } from 'node:timers/promises';
import type { Clock } from '../world.ts';

/*
 * This folder has the adapters: the ports for the real systems. Only they import the packages of
 * outside systems.
 */

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
