import assert from 'node:assert/strict';
import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { countBuffer } from '../../../src/adapters/s3/young-garbage.ts';

const mebi = 2 ** 20;
/** Node, perf_hooks.constants: a collection of young objects, and one that was asked for. */
const [minor, forced] = [1, 4];

const read = (bytes: number): void => {
  for (let sum = 0; sum < bytes; sum += 65_536) countBuffer(Buffer.alloc(65_536));
};

describe('buffers that were read', () => {
  it('are collected after each 4 MiB, without a flag of Node', async () => {
    const kinds: number[] = [];
    const observer = new PerformanceObserver((list) => {
      for (const { detail } of list.getEntries() as readonly { readonly detail?: unknown }[]) {
        const { kind, flags } = detail as { readonly kind: number; readonly flags: number };
        if ((flags & forced) !== 0) kinds.push(kind);
      }
    });
    observer.observe({ entryTypes: ['gc'] });
    read(64 * mebi);
    for (let tries = 0; kinds.length < 16 && tries < 500; tries += 1) await wait(20);
    observer.disconnect();
    assert.equal(kinds.length, 16);
    // Now and then V8 takes the occasion to collect everything.
    assert.ok(kinds.filter((kind) => kind === minor).length > 12, kinds.join(' '));
  });
});
