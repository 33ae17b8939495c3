import assert from 'node:assert/strict';
import { retry } from '../../src/adapters/retry.ts';
import type { Clock } from '../../src/world.ts';

/** Fails so many times, on a clock that only sleeping moves. */
const openRig = (failures: number) => {
  const pauses: number[] = [];
  let now = 0;
  const clock: Clock = {
    now: () => new Date(now),
    sleep: async (milliseconds) => {
      now += milliseconds;
      pauses.push(milliseconds);
    },
  };
  let calls = 0;
  const work = async (): Promise<number> => {
    calls += 1;
    if (calls <= failures) throw new Error(`failure ${calls}`);
    return calls;
  };
  return { pauses, work, clock, mayPass: () => true, calls: () => calls };
};

describe('the patience with other systems', () => {
  it('doubles its pauses up to the longest', async () => {
    const { work, pauses, ...options } = openRig(5);
    assert.equal(await retry(work, { ...options, pauses: [100, 500] }), 6);
    assert.deepEqual(pauses, [100, 200, 400, 500, 500]);
  });

  it('ends after so many attempts, or when the next one would be too late, with the last failure', async () => {
    const few = openRig(9);
    await assert.rejects(retry(few.work, { ...few, attempts: 3, pauses: [1, 1] }), /failure 3/);
    const late = openRig(9);
    const patient = { ...late, patience: 700, pauses: [100, 1000] as const };
    await assert.rejects(retry(late.work, patient), /failure 4/);
    assert.deepEqual(late.pauses, [100, 200, 400]);
  });

  it('waits as long as it was asked to, but not for hours', async () => {
    const { work, pauses, ...options } = openRig(2);
    const asked = (error: unknown): number =>
      error instanceof Error && error.message === 'failure 1' ? 7000 : 7_200_000;
    await retry(work, { ...options, asked, pauses: [100, 1000], random: () => 0 });
    assert.deepEqual(pauses, [7000, 30_000]);
  });

  it('does not repeat what cannot pass, nor anything once it was told to stop', async () => {
    const wrong = openRig(1);
    const options = { ...wrong, pauses: [1, 1] as const };
    await assert.rejects(retry(wrong.work, { ...options, mayPass: () => false }), /failure 1/);
    const stop = new AbortController();
    const stopped = openRig(9);
    const work = async (): Promise<number> => {
      stop.abort(new Error('stop'));
      return stopped.work();
    };
    await assert.rejects(retry(work, { ...options, signal: stop.signal }), /stop/);
    assert.equal(stopped.calls(), 1);
  });
});
