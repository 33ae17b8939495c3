import assert from 'node:assert/strict';
import { takeLock } from '../../src/repository/lock.ts';
import { CharmError } from '../../src/errors.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { targetIn } from '../rigs/target.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';

const key = 'ckf/lock.json';
const us = { modelUuid: 'ours', unit: 'ckf-backup/0' };
const other = { modelUuid: 'ours', unit: 'ckf-backup/1' };

describe('lock of a path', () => {
  it('lets one operation in at a time, and names the one that is there', async () => {
    const clock = new FakeClock();
    const target = targetIn(new FakeObjectStore());
    {
      await using held = await takeLock(target, clock, us);
      const { message } = await rejectsWithCode(takeLock(target, clock, other), 'backup-running');
      assert.match(message, /ckf-backup\/0/);
      await held.assertHeld();
    }
    await using next = await takeLock(target, clock, other);
    await next.assertHeld();
  });

  it('is gone from S3 afterwards', async () => {
    const store = new FakeObjectStore();
    const lock = await takeLock(targetIn(store), new FakeClock(), us);
    assert.ok(store.objects.has(key));
    await lock[Symbol.asyncDispose]();
    assert.equal(store.objects.size, 0);
  });

  it('is renewed for as long as the operation takes', async () => {
    const clock = new FakeClock();
    const target = targetIn(new FakeObjectStore());
    await using held = await takeLock(target, clock, us);
    await clock.sleep(6 * 3600_000);
    await rejectsWithCode(takeLock(target, clock, other), 'backup-running');
    await held.assertHeld();
  });

  it('goes on through a renewal that failed', async () => {
    const clock = new FakeClock();
    const store = new FakeObjectStore();
    await using held = await takeLock(targetIn(store), clock, us);
    store.failNext('put', new CharmError('store-unreachable', 'away'), 2);
    await clock.sleep(10 * 60_000);
    await held.assertHeld();
    await rejectsWithCode(takeLock(targetIn(store), clock, other), 'backup-running');
  });

  it('goes on through a renewal that was done although it seemed to fail', async () => {
    const clock = new FakeClock();
    const store = new FakeObjectStore();
    await using held = await takeLock(targetIn(store), clock, us);
    const put = store.put.bind(store);
    store.put = async (...argv: Parameters<typeof put>) => {
      await put(...argv);
      store.put = put;
      throw new CharmError('store-unreachable', 'The reply was lost.');
    };
    await clock.sleep(10 * 60_000);
    await held.assertHeld();
    await rejectsWithCode(takeLock(targetIn(store), clock, other), 'backup-running');
  });

  it('is given back also when S3 can be asked for nothing any more, and it has not expired', async () => {
    const clock = new FakeClock();
    const store = new FakeObjectStore();
    const stopping = new CharmError('interrupted', 'Asked to stop.');
    const lock = await takeLock(targetIn(store), clock, us);
    store.failNext('read', stopping);
    await lock[Symbol.asyncDispose]();
    assert.equal(store.objects.size, 0);
  });

  it('passes on when its holder died and it has expired, or was of our own unit', async () => {
    const clock = new FakeClock();
    const store = new FakeObjectStore();
    const dead = {
      ...other,
      nonce: 'dead',
      expires: new Date(clock.now().getTime() + 60_000).toISOString(),
    };
    store.seed(key, JSON.stringify(dead));
    await rejectsWithCode(takeLock(targetIn(store), clock, us), 'backup-running');
    await clock.sleep(61_000);
    await (await takeLock(targetIn(store), clock, us))[Symbol.asyncDispose]();

    store.seed(key, JSON.stringify({ ...dead, ...us, expires: '2099-01-01T00:00:00Z' }));
    await (await takeLock(targetIn(store), clock, us))[Symbol.asyncDispose]();
  });

  it('that was taken by another is noticed, and left to him', async () => {
    const clock = new FakeClock();
    const store = new FakeObjectStore();
    const lock = await takeLock(targetIn(store), clock, us);
    const taken = JSON.stringify({ ...other, nonce: 'theirs', expires: '2099-01-01T00:00:00Z' });
    store.seed(key, taken);
    await rejectsWithCode(lock.assertHeld(), 'backup-running');
    await lock[Symbol.asyncDispose]();
    assert.equal((await store.read(key)).toString(), taken);
  });

  it('that cannot be read has no holder', async () => {
    const store = new FakeObjectStore();
    store.seed(key, 'torn');
    await using lock = await takeLock(targetIn(store), new FakeClock(), us);
    await lock.assertHeld();
  });
});
