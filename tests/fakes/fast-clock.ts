import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../src/world.ts';

/**
 * For real sockets: a clock on which a wait passes many times as fast, so that seconds of back-off
 * take milliseconds. While nobody waits it runs like any other clock. A busy machine would carry it
 * away otherwise, and a server refuses requests that are signed a quarter of an hour ahead.
 */
export class FastClock implements Clock {
  #times: number;
  #waiting = 0;
  #then = Date.now();
  #counted = performance.now();

  constructor(times = 100) {
    this.#times = times;
  }

  /** From now on. */
  set times(times: number) {
    this.#count();
    this.#times = times;
  }

  now(): Date {
    this.#count();
    return new Date(this.#then);
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#count();
    this.#waiting += 1;
    try {
      await delay(milliseconds / this.#times, undefined, signal ? { signal } : {});
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      this.#count();
      this.#waiting -= 1;
    }
  }

  #count(): void {
    const at = performance.now();
    this.#then += (at - this.#counted) * (this.#waiting > 0 ? this.#times : 1);
    this.#counted = at;
  }
}

/**
 * For servers that compare their clock with ours, as S3 does with each signature: the real time,
 * and pauses of a hundredth of their length.
 */
export const quickClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds, signal) => new FastClock().sleep(milliseconds, signal),
};
