import assert from 'node:assert/strict';
import type { Clock } from '../../src/world.ts';

/** The promises of the port Clock. */
export const itIsAClock = (name: string, open: () => Clock): void => {
  describe(`${name} as a clock`, () => {
    it('has gone on by as much as was slept, and wakes in the order of the times', async () => {
      const clock = open();
      const before = clock.now().getTime();
      const woken: string[] = [];
      await Promise.all([
        clock.sleep(40).then(() => woken.push('late')),
        clock.sleep(5).then(() => woken.push('soon')),
      ]);
      assert.deepEqual(woken, ['soon', 'late']);
      // Timers may fire within the millisecond before.
      assert.ok(clock.now().getTime() - before >= 39);
    });

    it('stops sleeping with the reason of the signal', async () => {
      const stop = new AbortController();
      const sleeping = open().sleep(3600_000, stop.signal);
      const reason = new Error('asked to stop');
      stop.abort(reason);
      await assert.rejects(sleeping, reason);
    });

    it('does not begin to sleep when the signal has fired', async () => {
      const reason = new Error('asked to stop');
      await assert.rejects(open().sleep(3600_000, AbortSignal.abort(reason)), reason);
    });
  });
};
