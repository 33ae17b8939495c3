import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { CharmError } from '../../src/errors.ts';
import type { S3FaultAction } from '../servers/s3-faults.ts';
import type { S3Options } from '../../src/adapters/s3.ts';
import { stageS3, type S3Stage } from './s3-stage.ts';
import { content, inParts, md5, uses } from './s3-uses.ts';

const passing: Readonly<Record<string, S3FaultAction>> = {
  'says 500': { answer: 500 },
  'says 503 SlowDown': { answer: 503, code: 'SlowDown' },
  'says 429': { answer: 429, code: 'TooManyRequests', retryAfter: 2 },
  'resets the connection at once': { reset: 'before' },
  'resets the connection in the middle': { reset: 'during' },
  'resets the connection when it has done its work': { reset: 'after' },
  'cuts its reply short': { truncate: 20 },
  'stalls before its reply': { stall: 'reply' },
  'stalls in its reply': { stall: 'body' },
};

const lasting: Readonly<Record<string, S3FaultAction>> = {
  'announces more than it sends': { length: 3 },
  'turns a bit over': { flip: true },
};

const breaksBodies = (fault: S3FaultAction): boolean =>
  'truncate' in fault || ('stall' in fault && fault.stall === 'body');

/** Where a reply has no body, none can be cut short. */
const triesAgain = (operation: string, fault: S3FaultAction): boolean => {
  const bodiless = [
    'HeadObject',
    'PutObject',
    'UploadPart',
    'DeleteObject',
    'AbortMultipartUpload',
  ];
  return !breaksBodies(fault) || ![...bodiless, 'GetObject'].includes(operation);
};

const forEachUse = async (
  check: (operation: string, use: (typeof uses)[string] & object) => Promise<void>,
): Promise<void> => {
  await Promise.all(Object.entries(uses).map(([operation, use]) => check(operation, use)));
};

const stageWithObject = async (options: Partial<S3Options> = {}): Promise<S3Stage> => {
  const timeouts = { reply: 500, silence: 500, slowReply: 500 };
  const stage = await stageS3({}, { timeouts, ...options });
  stage.server.contents.put('bench', { key: 'there', content });
  return stage;
};

describe('the S3 adapter in bad weather', () => {
  for (const [what, fault] of Object.entries(passing))
    it(`does everything all the same when a server once ${what}`, () =>
      forEachUse(async (operation, use) => {
        await using stage = await stageWithObject();
        stage.server.fail({ operation, fault });
        const done = use.run(stage.store);
        // A body that has begun belongs to the caller, who must be told that it broke.
        if (operation === 'GetObject' && breaksBodies(fault))
          await assert.rejects(done, { code: 'store-unreachable' });
        else await done;
        assert.ok(use.proven(stage), operation);
        assert.equal(stage.server.count(operation) > 1, triesAgain(operation, fault), operation);
      }));

  it('gives up after six attempts, and says what it tried and what it was told', () =>
    forEachUse(async (operation, use) => {
      await using stage = await stageWithObject();
      stage.server.fail({ operation, times: Infinity, fault: { answer: 503, code: 'SlowDown' } });
      await assert.rejects(use.run(stage.store), {
        code: 'store-unreachable',
        message: /^Could not .* bucket bench at http.* answered 503.*tried 6 times/,
      });
      assert.equal(stage.server.count(operation), 6, operation);
    }));

  it('does not try again what will not get better', () =>
    forEachUse(async (operation, use) => {
      await using stage = await stageWithObject();
      const fault = { answer: 403, code: 'AccessDenied' };
      stage.server.fail({ operation, times: Infinity, fault });
      await assert.rejects(use.run(stage.store), { code: 'store-denied' });
      assert.equal(stage.server.count(operation), 1, operation);
    }));

  it('still takes away what it began when it is asked to stop, and does nothing else', async () => {
    const stop = new AbortController();
    await using stage = await stageS3({}, { signal: stop.signal });
    const { server, store } = stage;
    server.contents.put('bench', ...['a', 'b', 'c'].map((key) => ({ key, content })));
    const upload = await store.startParts('new', {});
    stop.abort(new CharmError('interrupted', 'Asked to stop.'));
    await assert.rejects(store.put('d', content), { code: 'interrupted' });
    await assert.rejects(upload.put(1, content, content.length), { code: 'interrupted' });
    await upload.abort();
    await store.delete(['a', 'b']);
    server.fail({ operation: 'DeleteObject', times: Infinity, fault: { answer: 503 } });
    await assert.rejects(store.delete(['c']), { code: 'store-unreachable' });
    assert.equal(server.count('DeleteObject'), 1);
    assert.deepEqual(server.contents.keys('bench'), ['c']);
    assert.equal(server.count('AbortMultipartUpload'), 1);
  });

  it('waits longer and longer, never more than it should, and as long as the server asks', async () => {
    await using stage = await stageS3({}, { random: () => 0.999 });
    stage.server.fail({ times: 5, fault: { answer: 500 } });
    await stage.store.put('a', '');
    assert.deepEqual(stage.pauses, [250, 500, 999, 1998, 3996]);
    stage.server.fail({ fault: { answer: 503, retryAfter: 7 } });
    await stage.store.put('a', '');
    assert.ok(stage.pauses.at(-1)! >= 7000);
  });

  it('sends a stream once only', async () => {
    for (const fault of Object.values(passing)) {
      await using stage = await stageWithObject();
      stage.server.fail({ operation: 'PutObject', fault });
      const body = Readable.from([content]);
      const put = stage.store.put('new', body, { size: content.length });
      if ('truncate' in fault || ('stall' in fault && fault.stall === 'body')) await put;
      else await assert.rejects(put, { code: 'store-unreachable' });
      assert.ok(body.destroyed);
      assert.equal(stage.server.count('PutObject'), 1);
    }
  });

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

  for (const [what, fault] of [...Object.entries(passing), ...Object.entries(lasting)])
    it(`has a code for everything that fails for good when a server always ${what}`, () =>
      forEachUse(async (operation, use) => {
        await using stage = await stageWithObject({ attempts: 2 });
        stage.server.fail({ operation, times: Infinity, fault });
        await use.run(stage.store).catch((error: unknown) => {
          // What a server says of a size, and bytes that nobody knows the MD5 of, can only be believed.
          if (/^(Get|Head)Object$/.test(operation) && error instanceof assert.AssertionError)
            return;
          assert.ok(error instanceof CharmError, `${operation}: ${String(error)}`);
        });
      }));
});
