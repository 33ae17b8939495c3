import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { inTurns } from '../src/in-turns.ts';

describe('work that is done in turns', () => {
  const items = Array.from({ length: 9 }, (_, index) => index);

  it('is done on so many at a time, and its results have the order of the items', async () => {
    let running = 0;
    let most = 0;
    const results = await inTurns(2, items, async (item) => {
      most = Math.max(most, (running += 1));
      // The later ones end sooner.
      for (let turn = item; turn < items.length; turn += 1) await setImmediate();
      running -= 1;
      return item * 10;
    });
    assert.equal(most, 2);
    assert.deepEqual(
      results,
      items.map((item) => item * 10),
    );
  });

  it('begins nothing more after a failure, and fails when what was begun has ended', async () => {
    const begun: number[] = [];
    const ended: number[] = [];
    const failing = inTurns(2, items, async (item) => {
      begun.push(item);
      await setImmediate();
      if (item === 1) throw new Error('the second one');
      if (item === 2) await setImmediate();
      ended.push(item);
    });
    await assert.rejects(failing, /^Error: the second one$/);
    assert.ok(begun.length <= 3, begun.join());
    assert.deepEqual(
      ended,
      begun.filter((item) => item !== 1),
    );
  });
});
