import type { ObjectStore } from '../../src/world.ts';

/**
 * What can be told to fail: the methods, a body that `get` handed out, and the calls of an upload
 * in parts.
 */
export type FakeMethod =
  Exclude<keyof ObjectStore, 'description' | symbol> | 'body' | 'part' | 'complete';

/** Which of the coming calls fail, and how. */
export class FakeFailures {
  #waiting: readonly { readonly method: FakeMethod; readonly error: Error }[] = [];

  add(method: FakeMethod, error: Error, times: number): void {
    this.#waiting = [...this.#waiting, ...Array.from({ length: times }, () => ({ method, error }))];
  }

  take(method: FakeMethod): Error | undefined {
    const found = this.#waiting.find((failure) => failure.method === method);
    this.#waiting = this.#waiting.filter((failure) => failure !== found);
    return found?.error;
  }

  mayFail(method: FakeMethod): void {
    const error = this.take(method);
    if (error) throw error;
  }

  clear(): void {
    this.#waiting = [];
  }
}
