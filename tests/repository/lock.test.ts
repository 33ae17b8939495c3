import assert from 'node:assert/strict';
import { openS3 } from '../../src/adapters/s3/s3.ts';
import { CharmError } from '../../src/errors.ts';
import { takeLead } from '../../src/repository/lead.ts';
import { lockOf } from '../../src/repository/lock-claims.ts';
import { helpHolder } from '../../src/repository/lock-helper.ts';
import { takeLock } from '../../src/repository/lock.ts';
import type { Clock } from '../../src/world.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { raceForLock, racingClock } from '../rigs/lock-race.ts';
import { targetIn } from '../rigs/target.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { profileOf, s3Profiles, type S3ProfileName } from '../servers/s3/profiles.ts';
import { startS3Server, testUser } from '../servers/s3/server.ts';
import { intercept } from '../rigs/intercept.ts';

const locks = 'ckf/locks/';
const place = lockOf({ prefix: 'ckf' });
const minute = 60_000;

/** A clock, a store whose times are those of the clock, and units that share both. */
const openRig = () => {
  const clock = new FakeClock();
  const store = new FakeObjectStore({ now: () => clock.now() });
  const take = (number: number, more: { clock?: Clock; host?: string } = {}) =>
    takeLock(targetIn(store), {
      clock: more.clock ?? clock,
      ...unit(number),
      ...(more.host !== undefined && { host: more.host }),
    });
  return { clock, store, take };
};
type Rig = ReturnType<typeof openRig>;

const unit = (number: number) => ({
  model: { name: 'kubeflow', uuid: 'ours' },
  unit: `ckf-backup/${number}`,
  host: 'node-1',
});

const help = (store: FakeObjectStore, nonce: string) =>
  helpHolder(
    targetIn(store),
    { model: { name: 'kubeflow', uuid: 'ours' }, unit: 'ckf-backup/5', host: 'node-5' },
    nonce,
  );

/** A clock on which nobody who sleeps wakes up: that of a process which froze, or died. */
const frozen = (clock: Clock): Clock & { thaw(): void } => {
  const waiting = new Set<() => void>();
  return {
    now: () => clock.now(),
    sleep: (_, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        waiting.add(() => {
          resolve();
        });
        signal?.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
      }),
    thaw: () => {
      for (const wake of waiting) wake();
      waiting.clear();
    },
  };
};

describe('lock of a path', () => {
  it('lets one operation in at a time, and names the one that is there', async () => {
    const { take } = openRig();
    {
      await using held = await take(0);
      const { message } = await rejectsWithCode(take(1), 'backup-running');
      assert.match(message, /ckf-backup\/0/);
      await held.assertHeld();
    }
    await using next = await take(1);
    await next.assertHeld();
  });

  it('is gone from S3 afterwards', async () => {
    const { store, take } = openRig();
    const lock = await take(0);
    assert.equal(store.objects.size, 1);
    await lock[Symbol.asyncDispose]();
    assert.equal(store.objects.size, 0);
  });

  it('is renewed for as long as the operation takes', async () => {
    const { clock, take } = openRig();
    await using held = await take(0);
    await clock.sleep(6 * 60 * minute);
    await rejectsWithCode(take(1), 'backup-running');
    await held.assertHeld();
    assert.equal(held.signal.aborted, false);
  });

  it('goes on through renewals that failed', async () => {
    const { clock, store, take } = openRig();
    await using held = await take(0);
    store.failNext('put', new CharmError('store-unreachable', 'away'), 2);
    await clock.sleep(10 * minute);
    await held.assertHeld();
    await rejectsWithCode(take(1), 'backup-running');
  });

  it('is given back also when S3 cannot be asked any more', async () => {
    const { store, take } = openRig();
    const lock = await take(0);
    store.failNext('list', new CharmError('interrupted', 'Asked to stop.'), 10);
    await lock[Symbol.asyncDispose]();
    assert.equal(store.objects.size, 0);
  });

  it('passes on five minutes after its holder died, and then says nothing of him', async () => {
    const { clock, store, take } = openRig();
    await take(1, { clock: frozen(clock) });
    await clock.sleep(4 * minute);
    await rejectsWithCode(take(0), 'backup-running');
    await clock.sleep(2 * minute);
    await using lock = await take(0);
    await lock.assertHeld();
    assert.equal(store.objects.size, 1);
  });

  it('passes on at once to the same unit on the same machine, and not on another one', async () => {
    const { clock, take } = openRig();
    await take(0, { clock: frozen(clock) });
    await rejectsWithCode(take(0, { host: 'node-2' }), 'backup-running');
    await using lock = await take(0);
    await lock.assertHeld();
  });

  it('is judged by the time of S3, however wrong the clocks of the units are', async () => {
    const { clock, take } = openRig();
    await using held = await take(0);
    const later = { ...frozen(clock), now: () => new Date(clock.now().getTime() + 60 * minute) };
    await rejectsWithCode(take(1, { clock: later }), 'backup-running');
    await held.assertHeld();
    await held[Symbol.asyncDispose]();
    await using wrong = await take(1, { clock: later });
    assert.ok(Math.abs(wrong.clockAhead - 60 * minute) < 2000, String(wrong.clockAhead));
  });

  it('stops a process that froze, lost it and woke up, and leaves it to the new holder', async () => {
    const { clock, take } = openRig();
    const ice = frozen(clock);
    await using sleeper = await take(0, { clock: ice });
    await clock.sleep(6 * minute);
    await using holder = await take(1);
    await rejectsWithCode(sleeper.assertHeld(), 'backup-running');
    assert.equal(sleeper.signal.aborted, false);
    ice.thaw();
    await new Promise((resolve) => {
      sleeper.signal.addEventListener('abort', resolve);
    });
    assert.ok(sleeper.signal.reason instanceof CharmError);
    await rejectsWithCode(sleeper.assertHeld(), 'backup-running');
    await clock.sleep(10 * minute);
    await holder.assertHeld();
    assert.equal(holder.signal.aborted, false);
  });

  it('is kept from others by units that help its holder, and by them not from him', async () => {
    const { clock, store, take } = openRig();
    const holder = await take(0);
    const helper = await help(store, holder.nonce);
    await clock.sleep(2 * minute);
    await helper.renew({ objects: 3, bytes: 40 });
    await holder.assertHeld();
    assert.deepEqual(
      (await holder.helpers()).map(({ unit, progress }) => [unit, progress]),
      [['ckf-backup/5', { objects: 3, bytes: 40 }]],
    );
    await holder[Symbol.asyncDispose]();
    await rejectsWithCode(helper.assertWanted(), 'backup-running');
    await rejectsWithCode(take(1), 'backup-running');
    await helper[Symbol.asyncDispose]();
    await using _next = await take(1);
  });

  const takers = {
    lock: (rig: Rig) => rig.take(0),
    lead: ({ clock, store }: Rig) => takeLead(targetIn(store), { clock, ...unit(0) }, place),
  };
  for (const [kind, take] of Object.entries(takers))
    it(`says how old its helpers are also while S3 refuses what is written: ${kind}`, async () => {
      const rig = openRig();
      const { clock, store } = rig;
      await using holder = await take(rig);
      await using living = await help(store, holder.nonce);
      await using _dead = await help(store, holder.nonce);
      await clock.sleep(10_000);
      const letWrite = intercept(store, 'put', (put) => async (key, ...more) => {
        if (key.includes(holder.nonce)) throw new CharmError('store-refused', 'QuotaExceeded');
        return put(key, ...more);
      });
      const heard = async () =>
        (await holder.helpers()).map(({ age, isLive }) => [Math.round(age / 1000), isLive]);
      await clock.sleep(4 * minute);
      await living.renew({ objects: 0, bytes: 0 });
      await clock.sleep(2 * minute);
      assert.deepEqual((await heard()).toSorted(), [
        [120, true],
        [370, false],
      ]);
      letWrite();
      await clock.sleep(minute);
      assert.deepEqual((await heard()).toSorted(), [
        [180, true],
        [430, false],
      ]);
    });

  it('passes on when the units that helped a dead holder have noticed it', async () => {
    const { clock, store, take } = openRig();
    const { nonce } = await take(0, { clock: frozen(clock) });
    const helper = await help(store, nonce);
    const noticed = (async () => {
      for (;;) {
        await clock.sleep(10_000);
        try {
          await helper.renew({ objects: 0, bytes: 0 });
        } catch {
          await helper[Symbol.asyncDispose]();
          return clock.now();
        }
      }
    })();
    await using _next = await take(0);
    assert.ok((await noticed) <= clock.now());
  });

  it('lets nobody help a holder that is not there', async () => {
    const { store } = openRig();
    await rejectsWithCode(help(store, 'nobody'), 'backup-running');
    assert.equal(store.objects.size, 0);
  });

  it('is not taken from one that wakes up while it is taken over', async () => {
    const { clock, store, take } = openRig();
    await using sleeper = await take(0, { clock: frozen(clock) });
    await clock.sleep(6 * minute);
    const [claim] = [...store.objects.keys()];
    const content = await store.read(claim!);
    let count = 0;
    intercept(store, 'put', (put) => async (...argv: Parameters<typeof put>) => {
      count += 1;
      // Between the two looks of the one who takes it over.
      if (count === 2) await put(claim!, content);
      return put(...argv);
    });
    await rejectsWithCode(take(1), 'backup-running');
    await sleeper.assertHeld();
  });

  it('of an older revision is understood: it holds, it dies, and one of our own unit is dead', async () => {
    const { clock, store, take } = openRig();
    const record = { modelUuid: 'ours', unit: 'ckf-backup/1', nonce: 'old', expires: '2099-01-01' };
    store.seed('ckf/lock.json', JSON.stringify(record));
    await rejectsWithCode(take(0), 'backup-running');
    await (await take(1))[Symbol.asyncDispose]();
    store.seed('ckf/lock.json', JSON.stringify(record));
    await clock.sleep(6 * minute);
    await (await take(0))[Symbol.asyncDispose]();
    store.seed('ckf/lock.json', 'torn');
    await (await take(0))[Symbol.asyncDispose]();
    assert.equal(store.objects.size, 0);
  });

  it('is noticed to be lost to an older revision', async () => {
    const { store, take } = openRig();
    await using lock = await take(0);
    const theirs = { modelUuid: 'x', unit: 'y/0', nonce: 'z', expires: '2099-01-01' };
    store.seed('ckf/lock.json', JSON.stringify(theirs));
    await rejectsWithCode(lock.assertHeld(), 'backup-running');
  });

  it('waits for one that asks at the same moment, and leaves nothing when it gives way', async () => {
    const { store, take } = openRig();
    const theirs = { modelUuid: 'ours', unit: 'ckf-backup/1', host: 'node-2' };
    const asking = { ...theirs, nonce: 'theirs', state: 'asking', buried: [] };
    store.seed(`${locks}theirs.json`, JSON.stringify(asking));
    await rejectsWithCode(take(0), 'backup-running');
    assert.deepEqual([...store.objects.keys()], [`${locks}theirs.json`]);
    const waiting = take(0);
    store.bucket.remove(`${locks}theirs.json`);
    await using lock = await waiting;
    await lock.assertHeld();
  });

  it('cannot be had where listings lag behind', async () => {
    const { store, take } = openRig();
    intercept(
      store,
      'list',
      () =>
        async function* () {
          // Nothing yet.
        },
    );
    const { message } = await rejectsWithCode(take(0), 'store-refused');
    assert.match(message, /does not list/);
    assert.equal(store.objects.size, 0);
  });
});

describe('lock of a path, on servers as they are', () => {
  for (const profile of Object.keys(s3Profiles) as S3ProfileName[])
    it(`is held by one of many at a time, passes on and is given back: ${profile}`, async () => {
      await using server = await startS3Server({ profile, buckets: ['bench'] });
      await using store = openS3({
        ...{ endpoint: server.url, bucket: 'bench', style: 'path' as const, ...testUser },
        region: profileOf(profile).region,
        clock: racingClock,
      });
      // All of sixteen conditional writes won there.
      await raceForLock(store, profile === 'radosgw-20-versioned' ? 16 : 4);
      assert.deepEqual(server.contents.keys('bench'), []);
    });
});
