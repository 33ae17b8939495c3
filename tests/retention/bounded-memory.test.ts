import assert from 'node:assert/strict';
import { join } from 'node:path';
import { inSmallHeap } from '../rigs/small-heap.ts';

const program = join(import.meta.dirname, 'many-objects.ts');
// 50,000 objects in all: as many in the history as in the mirror.
const count = 25_000;

describe('verifying and pruning many objects', () => {
  it('takes a heap that does not hold them', async () => {
    // Keys of 750 characters: what is listed of the mirror and the history would take more than 40
    // MB.
    assert.deepEqual(await inSmallHeap(program, count), {
      damages: 0,
      objects: count / 2,
      removed: 1,
      // All of the old versions, and the mirror's objects that only the old set had.
      deleted: count + count / 2,
    });
  });
});

describe('the retention at the end of a backup', () => {
  it('reads three of any number of lists, in a heap that does not hold one', async () => {
    const program = join(import.meta.dirname, 'many-sets.ts');
    const found = (await inSmallHeap(program, 40, 60_000)) as Record<string, number>;
    // What was replaced or deleted in the first night: a block and ten objects.
    assert.deepEqual([found['lists'], found['deleted']], [3, 1010]);
  });
});

describe('the first prune of an old repository', () => {
  it('reads each list at most once for the history, in a heap that does not hold it', async () => {
    const program = join(import.meta.dirname, 'many-sets.ts');
    const found = (await inSmallHeap(program, 30, 10_000, 'first', 1)) as Record<string, number>;
    // Of the first night: two blocks and ten objects.
    assert.deepEqual([found['lists'], found['deleted']], [30, 2010]);
  });
});
