import type { FakeObjectStore } from './object-store.ts';

let servers = 0;

/** A server with buckets, for stores that can copy from one to another. */
export class FakeObjectServer {
  readonly url: string;
  readonly #buckets = new Map<string, FakeObjectStore>();

  constructor() {
    servers += 1;
    this.url = `http://fake-${servers}.test`;
  }

  /** Gives a bucket its name here. */
  add(store: FakeObjectStore): string {
    const name = `bucket-${this.#buckets.size + 1}`;
    this.#buckets.set(name, store);
    return name;
  }

  find(name: string): FakeObjectStore | undefined {
    return this.#buckets.get(name);
  }
}
