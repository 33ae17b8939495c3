import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { cutIntoParts } from '../../../src/adapters/s3/upload.ts';
import { openS3Rig } from '../../rigs/s3.ts';

const mebibyte = 2 ** 20;

const stream = (bytes: number): Readable =>
  Readable.from(
    (function* () {
      for (let left = bytes; left > 0; left -= mebibyte)
        yield Buffer.alloc(Math.min(left, mebibyte), left % 251);
    })(),
  );

describe('an upload of a stream to S3', () => {
  it('is one PUT while it fits into a part, and parts from there on', async () => {
    await using rig = await openS3Rig();
    const { server, store } = rig;
    await store.upload('short', stream(8 * mebibyte));
    assert.deepEqual(
      server.requests.map(({ operation }) => operation),
      ['PutObject'],
    );
    server.requests.length = 0;
    await store.upload('long', stream(8 * mebibyte + 1));
    assert.deepEqual(
      server.requests.map(({ operation }) => operation),
      ['CreateMultipartUpload', 'UploadPart', 'UploadPart', 'CompleteMultipartUpload'],
    );
    const { files } = server.contents.object('bench', 'long') ?? {};
    assert.deepEqual(
      files?.map(({ size }) => size),
      [8 * mebibyte, 1],
    );
  });

  it('grows its parts, so that ten thousand of them hold a large dump', async () => {
    const content = Buffer.alloc(8 * 1000 + 16 * 1000 + 32 * 1000 + 64 * 2500 + 5);
    let seen = 0;
    const parts = cutIntoParts(Readable.from([content, Buffer.alloc(0)]), 8, ({ length }) => {
      seen += length;
    });
    const sizes = (await Array.fromAsync(parts)).map(({ length }) => length);
    assert.equal(seen, content.length);
    const at = [0, 999, 1000, 1999, 2000, 2999, 3000, 5499, 5500, 5501];
    assert.deepEqual(
      at.map((index) => sizes[index]),
      [8, 8, 16, 16, 32, 32, 64, 64, 5, undefined],
    );
  });

  for (const operation of ['CreateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload'])
    it(`leaves neither object nor parts when ${operation} is refused`, async () => {
      await using rig = await openS3Rig();
      const { server, store } = rig;
      server.fail({ operation, fault: { answer: 403, code: 'AccessDenied' } });
      const body = stream(20 * mebibyte);
      await assert.rejects(store.upload('a', body), { code: 'store-denied' });
      assert.ok(body.destroyed);
      assert.deepEqual(server.contents.keys('bench'), []);
      assert.equal(server.contents.bucket('bench').uploads.size, 0);
    });

  it('says what made it fail even when its parts cannot be removed', async () => {
    await using rig = await openS3Rig();
    const { server, store } = rig;
    server.fail({
      operation: 'UploadPart',
      nth: 2,
      fault: { answer: 507, code: 'XMinioStorageFull' },
    });
    server.fail({ operation: 'AbortMultipartUpload', times: Infinity, fault: { answer: 500 } });
    await assert.rejects(store.upload('a', stream(20 * mebibyte)), {
      message: /XMinioStorageFull/,
    });
    const left = await Array.fromAsync(store.unfinishedUploads('a'));
    assert.equal(left.length, 1);
  });

  it('is complete when only the reply to the last request was lost', async () => {
    await using rig = await openS3Rig();
    const { server, store } = rig;
    server.fail({ operation: 'CompleteMultipartUpload', fault: { reset: 'after' } });
    const { etag } = await store.upload('a', stream(9 * mebibyte));
    assert.equal(server.contents.object('bench', 'a')?.etag, etag);
  });

  it('stops at once when its signal fires, also while the source is silent', async () => {
    await using rig = await openS3Rig();
    const { server, store } = rig;
    const stop = new AbortController();
    const silent = new Readable({ read: () => undefined });
    for (let pushed = 0; pushed < 17; pushed += 1) silent.push(Buffer.alloc(mebibyte));
    const upload = store.upload('a', silent, { signal: stop.signal });
    while (server.count('UploadPart') < 1) await new Promise(setImmediate);
    stop.abort(new Error('enough'));
    await assert.rejects(upload, { message: 'enough' });
    assert.deepEqual(server.contents.keys('bench'), []);
    assert.equal(server.contents.bucket('bench').uploads.size, 0);
  });

  it('stops a PUT whose source is silent', async () => {
    await using rig = await openS3Rig();
    const stop = new AbortController();
    const silent = new Readable({ read: () => undefined });
    silent.push(Buffer.alloc(10));
    const put = rig.store.put('a', silent, { size: 20, signal: stop.signal });
    await new Promise(setImmediate);
    stop.abort(new Error('enough'));
    await assert.rejects(put, { message: 'enough' });
    assert.ok(silent.destroyed);
    assert.deepEqual(rig.server.contents.keys('bench'), []);
  });

  it('fails when its source goes away without an error', async () => {
    await using rig = await openS3Rig();
    const { server, store } = rig;
    const gone = (bytes: number): Readable => {
      const source = new Readable({ read: () => undefined });
      source.push(Buffer.alloc(bytes));
      setImmediate(() => source.destroy());
      return source;
    };
    await assert.rejects(store.put('a', gone(10), { size: 20 }));
    await assert.rejects(store.upload('a', gone(10)));
    const destroyed = Readable.from([Buffer.alloc(3)]);
    destroyed.destroy();
    await assert.rejects(store.put('a', destroyed, { size: 3 }));
    await assert.rejects(store.upload('a', destroyed));
    assert.deepEqual(server.contents.keys('bench'), []);
  });
});
