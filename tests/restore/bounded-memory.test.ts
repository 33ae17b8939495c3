import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const program = join(import.meta.dirname, 'many-objects.ts');
const count = 50_000;

describe('restoring many objects', () => {
  it('takes a heap that does not hold them', async () => {
    // Keys of 750 characters: what is listed would take more than 40 MB, and what comes back
    // under another ETag 20 MB.
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--max-semi-space-size=2',
      '--max-old-space-size=32',
      program,
      String(count),
    ]);
    assert.deepEqual(JSON.parse(stdout), {
      // Of those that are there, half have an ETag that says nothing, and are read.
      missing: count / 2 + count / 4,
      copied: count / 2,
      put: count / 2,
      extra: count / 10,
      deleted: count / 10,
    });
  }).timeout(120_000);
});
