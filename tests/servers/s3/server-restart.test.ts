import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startS3Server } from './server.ts';

describe('the S3 server with a directory', () => {
  it('keeps everything in its directory, unfinished uploads too, also when it was killed while it wrote', async () => {
    const directory = mkdtempSync(join(tmpdir(), 's3-server-test-'));
    try {
      const first = await startS3Server({ directory, buckets: ['bench'] });
      first.contents.put(
        'bench',
        { key: 'ü', content: 'kept', headers: { 'x-amz-meta-a': 'ä' }, tags: { t: 'u' } },
        { key: 'parts', content: Buffer.alloc(25, 7), partSize: 10 },
        { key: 'gone', content: 'x' },
      );
      first.contents.remove('bench', 'gone');
      first.contents
        .bucket('bench')
        .startUpload({ id: 'one', key: 'left', initiated: 0, headers: {}, tags: {} });
      await first.close();
      appendFileSync(join(directory, 'buckets', 'bench', 'log.ndjson'), '{"put":{"key":"ha');

      await using second = await startS3Server({ directory });
      second.contents.put('bench', { key: 'after', content: 'the kill' });
      assert.deepEqual(second.contents.keys('bench'), ['after', 'parts', 'ü']);
      assert.equal(second.contents.read('bench', 'ü').toString(), 'kept');
      assert.deepEqual(second.contents.read('bench', 'parts'), Buffer.alloc(25, 7));
      assert.match(second.contents.object('bench', 'parts')?.etag ?? '', /-3$/);
      assert.deepEqual(second.contents.object('bench', 'ü')?.tags, { t: 'u' });
      assert.equal(second.contents.bucket('bench').uploads.size, 1);
      await second.close();

      await using third = await startS3Server({ directory });
      assert.deepEqual(third.contents.keys('bench'), ['after', 'parts', 'ü']);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
