import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../src/world.ts';

/** For real sockets: a clock that runs many times as fast, so that seconds of back-off pass in milliseconds. */
export class FastClock implements Clock {
  #times: number;
  #start = Date.now();
  #startedAt = performance.now();

  constructor(times = 100) {
    this.#times = times;
  }

  /** From now on. */
  set times(times: number) {
    this.#start = this.now().getTime();
    this.#startedAt = performance.now();
    this.#times = times;
  }

  now(): Date {
    return new Date(this.#start + (performance.now() - this.#startedAt) * this.#times);
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    try {
      await delay(milliseconds / this.#times, undefined, signal ? { signal } : {});
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  }
}
