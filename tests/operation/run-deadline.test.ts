import assert from 'node:assert/strict';
import { once } from 'node:events';
import { hasCode } from '../../src/errors.ts';
import { runDeadline } from '../../src/operation/run-deadline.ts';
import { FakeClock } from '../fakes/clock.ts';

describe('the deadline of a run', () => {
  it('fires with a code and the option, when the time has passed and not before', async () => {
    const clock = new FakeClock();
    const began = clock.now().getTime();
    const signal = runDeadline(clock, 90 * 60_000);
    assert.ok(!signal.aborted);
    await once(signal, 'abort');
    assert.equal(clock.now().getTime() - began, 90 * 60_000);
    assert.ok(hasCode(signal.reason, 'deadline-exceeded'));
    assert.match(signal.reason.message, /^The backup took longer than 1h30m \(run-deadline\)/);
  });

  it('never fires at once because it is far away', async () => {
    const waits: number[] = [];
    runDeadline({ sleep: async (milliseconds) => void waits.push(milliseconds) }, 900 * 86_400_000);
    assert.deepEqual(waits, [2 ** 31 - 1]);
  });
});
