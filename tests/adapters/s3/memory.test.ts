import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { execa } from 'execa';
import { testUser } from '../../servers/s3/server.ts';
import { openS3Rig } from '../../rigs/s3.ts';

const mebibyte = 2 ** 20;

describe('the memory of the S3 adapter', () => {
  it('does not grow with an object of 120 MiB, and its process ends by itself', async function () {
    await using rig = await openS3Rig();
    const { contents, url } = rig.server;
    const large = function* (): Generator<Buffer> {
      for (let part = 0; part < 120; part += 1) yield Buffer.alloc(mebibyte, part);
    };
    contents.put('bench', { key: 'large', content: large() });
    const script = new URL('process.ts', import.meta.url).pathname;
    const { stdout } = await execa(
      process.execPath,
      [script, url, testUser.accessKey, testUser.secretKey],
      { timeout: 50_000, extendEnv: false },
    );
    // Such a process takes about 120 MiB with an object of 1 MiB, and up to 200 with one of any
    // size.
    assert.ok(Number(stdout) < 235, `${stdout} MiB`);
    const whole = createHash('md5');
    for (const part of large()) whole.update(part);
    assert.equal(contents.object('bench', 'put')?.etag, whole.digest('hex'));
    assert.equal(contents.object('bench', 'uploaded')?.size, 120 * mebibyte);
  });
});
