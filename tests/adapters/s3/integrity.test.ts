import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { content, inParts, md5, stageWithObject } from './uses.ts';

describe('the S3 adapter believes nothing without a check:', () => {
  it('sees an ETag that is not the MD5 of what it sent', async () => {
    await using stage = await stageWithObject();
    const fault = { etag: '0123456789abcdef0123456789abcdef' };
    stage.server.fail({ operation: 'PutObject', times: 2, fault });
    const { store } = stage;
    await assert.rejects(store.put('new', content), {
      code: 'store-corrupt',
      message: /0123456789/,
    });
    const body = Readable.from([content]);
    await assert.rejects(store.put('new', body, { size: content.length, md5 }), {
      code: 'store-corrupt',
    });
    const upload = await store.startParts('new', {});
    stage.server.fail({ operation: 'UploadPart', fault });
    await assert.rejects(upload.put(1, content, content.length), { code: 'store-corrupt' });
  });

  it('sees that bytes changed on their way', async () => {
    await using stage = await stageWithObject();
    stage.server.fail({ operation: 'PutObject', times: Infinity, fault: { flip: true } });
    await assert.rejects(stage.store.put('new', content), {
      code: 'store-corrupt',
      message: /BadDigest/,
    });
    assert.deepEqual(stage.server.contents.keys('bench'), ['there']);
  });

  it('does not take a part of a body for the whole', async () => {
    await using stage = await stageWithObject();
    for (const fault of [
      { truncate: 0 },
      { truncate: 100_000 },
      { length: 5 },
      { stall: 'body' },
    ] as const) {
      stage.server.fail({ operation: 'GetObject', fault });
      const { body } = await stage.store.get('there');
      await assert.rejects(buffer(body), {
        code: 'store-unreachable',
        message: /Could not read "there"/,
      });
      stage.server.fail({ operation: 'GetObject', fault });
      assert.deepEqual(await stage.store.read('there'), content);
    }
  });

  it('sees an error in a reply that began with 200', async () => {
    await using stage = await stageWithObject();
    const { server, store } = stage;
    server.fail({ operation: 'CopyObject', fault: { answer: 200, code: 'InternalError' } });
    await store.copy('there', 'new', md5);
    assert.equal(server.count('CopyObject'), 2);
    server.fail({ operation: 'CompleteMultipartUpload', fault: { answer: 200, code: 'SlowDown' } });
    await inParts(store);
    server.fail({ operation: 'DeleteObjects', fault: { answer: 200, code: 'AccessDenied' } });
    await assert.rejects(store.delete(['there', 'new']), { code: 'store-denied' });
  });

  it('knows its own conditional write again when the reply to it was lost', async () => {
    await using stage = await stageWithObject();
    const { server, store } = stage;
    server.fail({ operation: 'PutObject', fault: { reset: 'after' } });
    const { etag } = await store.put('claim', 'mine', { ifAbsent: true });
    server.fail({ operation: 'PutObject', fault: { reset: 'after' } });
    await store.put('claim', 'mine again', { ifMatch: etag });
    assert.equal(server.contents.read('bench', 'claim').toString(), 'mine again');
    server.fail({ operation: 'PutObject', fault: { reset: 'before' } });
    await assert.rejects(store.put('claim', 'other', { ifAbsent: true }), {
      code: 'object-exists',
    });
  });
});
