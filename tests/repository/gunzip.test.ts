import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { gunzipList } from '../../src/repository/gunzip.ts';

/** Text that packs to about its own size, so that its ratio is none to look at. */
const noise = Array.from({ length: 1000 }, (_, index) => Math.sin(index).toString(36)).join('\n');

describe('gunzipList', () => {
  const unpacked = async (mostBytes: number): Promise<string> => {
    const members = Buffer.concat([gzipSync(noise), gzipSync(noise), gzipSync(noise)]);
    const chunks = await gunzipList(Readable.from([members]), mostBytes).toArray();
    return Buffer.concat(chunks as Buffer[]).toString();
  };

  it('unpacks all members up to a total, whatever they were packed to', async () => {
    assert.equal(await unpacked(3 * noise.length), noise.repeat(3));
    await assert.rejects(unpacked(3 * noise.length - 1), /unpacks to more than \d+ bytes/);
  });
});
