import assert from 'node:assert/strict';
import { freshMilliseconds, nowAndThen } from '../../src/operation/now-and-then.ts';
import { FakeClock } from '../fakes/clock.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';

describe('a question that is asked now and then', () => {
  it('is asked again when its answer is too old, and shared by all who come meanwhile', async () => {
    const clock = new FakeClock();
    let asked = 0;
    const mayWrite = nowAndThen(clock, async () => {
      asked += 1;
    });
    await Promise.all([mayWrite(), mayWrite()]);
    await clock.sleep(freshMilliseconds - 1);
    await mayWrite();
    assert.equal(asked, 1);
    await clock.sleep(1);
    await mayWrite();
    assert.equal(asked, 2);
  });

  it('is asked again when the answer came too late, and not for ever', async () => {
    const clock = new FakeClock();
    let slow = 3;
    let asked = 0;
    const mayWrite = nowAndThen(clock, async () => {
      asked += 1;
      if (asked <= slow) await clock.sleep(freshMilliseconds);
    });
    await mayWrite();
    assert.equal(asked, slow + 1);
    slow = Infinity;
    await clock.sleep(freshMilliseconds);
    await rejectsWithCode(mayWrite(), 'store-unreachable');
  });

  it('is answered with no as soon as somebody says so', async () => {
    const mayWrite = nowAndThen(new FakeClock(), async () => {
      throw new Error('no longer ours');
    });
    await assert.rejects(mayWrite(), /no longer ours/);
    await assert.rejects(mayWrite(), /no longer ours/);
  });
});
