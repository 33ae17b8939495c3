import assert from 'node:assert/strict';
import { join } from 'node:path';
import { inSmallHeap } from '../rigs/small-heap.ts';

const program = join(import.meta.dirname, 'many-objects.ts');
const count = 50_000;

describe('restoring many objects', () => {
  it('takes a heap that does not hold them', async () => {
    // Keys of 750 characters: what is listed would take more than 40 MB, and what comes back
    // under another ETag 20 MB.
    assert.deepEqual(await inSmallHeap(program, count), {
      // Of those that are there, half have an ETag that says nothing, and are read.
      missing: count / 2 + count / 4,
      copied: count / 2,
      put: count / 2,
      extra: count / 10,
      deleted: count / 10,
    });
  });
});
