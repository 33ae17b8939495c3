import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { openS3Rig } from '../../rigs/s3.ts';
import { content, inParts, md5, openRigWithObject } from './uses.ts';

describe('the S3 adapter believes nothing without a check:', () => {
  it('reads back what got an ETag that is not the MD5 of what it sent', async () => {
    await using rig = await openRigWithObject();
    const { server, store } = rig;
    const fault = { etag: '0123456789abcdef0123456789abcdef' };
    server.fail({ operation: 'PutObject', times: 2, fault });
    assert.equal((await store.put('new', content)).etag, md5);
    server.fail({ operation: 'GetObject', fault: { flip: true } });
    await assert.rejects(store.put('new', content), {
      code: 'store-corrupt',
      message: /does not give back the bytes/,
    });
  });

  it('reads back what was uploaded in parts whose ETags are no MD5s', async () => {
    await using rig = await openS3Rig({ quirks: ['invents-etags'] });
    const { server, store } = rig;
    const long = Buffer.alloc(9 * 2 ** 20, 'long');
    const upload = () => store.upload('long', Readable.from([long]));
    assert.equal((await upload()).size, long.length);
    assert.equal(server.count('GetObject'), 1);
    server.fail({ operation: 'GetObject', fault: { flip: true } });
    await assert.rejects(upload(), {
      code: 'store-corrupt',
      message: /does not give back the bytes/,
    });
  });

  it('sees that bytes changed on their way', async () => {
    await using rig = await openRigWithObject();
    rig.server.fail({ operation: 'PutObject', times: Infinity, fault: { flip: true } });
    await assert.rejects(rig.store.put('new', content), {
      code: 'store-corrupt',
      message: /BadDigest/,
    });
    assert.deepEqual(rig.server.contents.keys('bench'), ['there']);
  });

  it('does not take a part of a body for the whole', async () => {
    await using rig = await openRigWithObject();
    for (const fault of [
      { truncate: 0 },
      { truncate: 100_000 },
      { length: 5 },
      { stall: 'body' },
    ] as const) {
      rig.server.fail({ operation: 'GetObject', fault });
      const { body } = await rig.store.get('there');
      await assert.rejects(buffer(body), {
        code: 'store-unreachable',
        message: /Could not read "there"/,
      });
      rig.server.fail({ operation: 'GetObject', fault });
      assert.deepEqual(await rig.store.read('there'), content);
    }
  });

  it('sees an error in a reply that began with 200', async () => {
    await using rig = await openRigWithObject();
    const { server, store } = rig;
    server.fail({ operation: 'CopyObject', fault: { answer: 200, code: 'InternalError' } });
    await store.copy('there', 'new', md5);
    assert.equal(server.count('CopyObject'), 2);
    server.fail({ operation: 'CompleteMultipartUpload', fault: { answer: 200, code: 'SlowDown' } });
    await inParts(store);
    server.fail({ operation: 'DeleteObjects', fault: { answer: 200, code: 'AccessDenied' } });
    await assert.rejects(store.delete(['there', 'new']), { code: 'store-denied' });
  });

  it('knows its own conditional write again when the reply to it was lost', async () => {
    await using rig = await openRigWithObject();
    const { server, store } = rig;
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
