import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '../../src/errors.ts';
import { takeLock, type Lock } from '../../src/repository/lock.ts';
import type { Clock, ObjectStore } from '../../src/world.ts';
import { targetIn } from './target.ts';

/** Those that give way come back soon; nothing is renewed in the time that a race takes. */
export const racingClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds, signal) =>
    sleep(milliseconds < 60_000 ? milliseconds / 100 : milliseconds, undefined, {
      ...(signal && { signal }),
    }),
};

/**
 * So many units ask for the lock of a path at the same moment. At most one gets it, the others are
 * told that it is held; afterwards it is free.
 */
export const raceForLock = async (store: ObjectStore, racers: number): Promise<void> => {
  const take = (number: number): Promise<Lock> =>
    takeLock(targetIn(store), {
      clock: racingClock,
      model: { name: 'kubeflow', uuid: 'ours' },
      unit: `ckf-backup/${number}`,
      host: `node-${number}`,
    });
  const outcomes = await Promise.allSettled(Array.from({ length: racers }, (_, one) => take(one)));
  const holders = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  for (const one of outcomes)
    if (one.status === 'rejected')
      assert.ok(hasCode(one.reason, 'backup-running'), String(one.reason));
  // Each is held to the end of the race.
  assert.ok(holders.length <= 1, `${holders.length} hold it`);
  for (const holder of holders) {
    await holder.assertHeld();
    await holder[Symbol.asyncDispose]();
  }
  await using lock = await take(racers);
  await lock.assertHeld();
};
