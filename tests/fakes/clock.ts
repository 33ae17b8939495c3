import type { Clock } from '../../src/world.ts';

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/**
 * A clock whose time passes only while somebody sleeps: whenever all that can run has run, it jumps
 * to the moment at which the next sleeper is due. So hours of waiting take milliseconds, and
 * sleepers wake in the order of their times.
 */
export class FakeClock implements Clock {
  #now: number;
  #sleepers: Sleeper[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(start = '2026-11-21T20:15:00.000Z') {
    this.#now = Date.parse(start);
  }

  now(): Date {
    return new Date(this.#now);
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const sleeper = {
      due: this.#now + milliseconds,
      wake: () => {
        resolve(undefined);
      },
    };
    const abort = (): void => {
      this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', abort, { once: true });
    this.#sleepers.push(sleeper);
    this.#schedule();
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#advance();
    }, 1);
  }

  #advance(): void {
    const [next] = this.#sleepers.toSorted((a, b) => a.due - b.due);
    if (next === undefined) return;
    this.#sleepers = this.#sleepers.filter((other) => other !== next);
    this.#now = Math.max(this.#now, next.due);
    next.wake();
    if (this.#sleepers.length > 0) this.#schedule();
  }
}
