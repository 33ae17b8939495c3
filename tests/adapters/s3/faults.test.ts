import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { CharmError } from '../../../src/errors.ts';
import type { S3FaultAction } from '../../servers/s3/faults.ts';
import { openS3Rig } from '../../rigs/s3.ts';
import { content, openRigWithObject, uses } from './uses.ts';

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

describe('the S3 adapter in bad weather', () => {
  for (const [what, fault] of Object.entries(passing))
    it(`does everything all the same when a server once ${what}`, () =>
      forEachUse(async (operation, use) => {
        await using rig = await openRigWithObject();
        rig.server.fail({ operation, fault });
        const done = use.run(rig.store);
        // A body that has begun belongs to the caller, who must be told that it broke.
        if (operation === 'GetObject' && breaksBodies(fault))
          await assert.rejects(done, { code: 'store-unreachable' });
        else await done;
        assert.ok(use.proven(rig), operation);
        assert.equal(rig.server.count(operation) > 1, triesAgain(operation, fault), operation);
      }));

  it('gives up after six attempts, and says what it tried and what it was told', () =>
    forEachUse(async (operation, use) => {
      await using rig = await openRigWithObject();
      rig.server.fail({ operation, times: Infinity, fault: { answer: 503, code: 'SlowDown' } });
      await assert.rejects(use.run(rig.store), {
        code: 'store-unreachable',
        message: /^Could not .* bucket bench at http.* answered 503.*tried 6 times/,
      });
      assert.equal(rig.server.count(operation), 6, operation);
    }));

  it('does not try again what will not get better', () =>
    forEachUse(async (operation, use) => {
      await using rig = await openRigWithObject();
      const fault = { answer: 403, code: 'AccessDenied' };
      rig.server.fail({ operation, times: Infinity, fault });
      await assert.rejects(use.run(rig.store), { code: 'store-denied' });
      assert.equal(rig.server.count(operation), 1, operation);
    }));

  it('still takes away what it began when it is asked to stop, and does nothing else', async () => {
    const stop = new AbortController();
    await using rig = await openS3Rig({}, { signal: stop.signal });
    const { server, store } = rig;
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
    await using rig = await openS3Rig({}, { random: () => 0.999 });
    rig.server.fail({ times: 5, fault: { answer: 500 } });
    await rig.store.put('a', '');
    assert.deepEqual(rig.pauses, [250, 500, 999, 1998, 3996]);
    rig.server.fail({ fault: { answer: 503, retryAfter: 7 } });
    await rig.store.put('a', '');
    assert.ok(rig.pauses.at(-1)! >= 7000);
  });

  it('sends a stream once only', async () => {
    for (const fault of Object.values(passing)) {
      await using rig = await openRigWithObject();
      rig.server.fail({ operation: 'PutObject', fault });
      const body = Readable.from([content]);
      const put = rig.store.put('new', body, { size: content.length });
      if ('truncate' in fault || ('stall' in fault && fault.stall === 'body')) await put;
      else await assert.rejects(put, { code: 'store-unreachable' });
      assert.ok(body.destroyed);
      assert.equal(rig.server.count('PutObject'), 1);
    }
  });

  for (const [what, fault] of [...Object.entries(passing), ...Object.entries(lasting)])
    it(`has a code for everything that fails for good when a server always ${what}`, () =>
      forEachUse(async (operation, use) => {
        await using rig = await openRigWithObject({ attempts: 2 });
        rig.server.fail({ operation, times: Infinity, fault });
        await use.run(rig.store).catch((error: unknown) => {
          // What a server says of a size, and bytes that nobody knows the MD5 of, can only be
          // believed.
          if (/^(Get|Head)Object$/.test(operation) && error instanceof assert.AssertionError)
            return;
          assert.ok(error instanceof CharmError, `${operation}: ${String(error)}`);
        });
      }));
});
