import assert from 'node:assert/strict';
import { CharmError } from '../../src/errors.ts';
import { sendingLog } from '../../src/notify/send-log.ts';
import type { LogLine, World } from '../../src/world.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeProgress } from '../fakes/progress.ts';

const away = new CharmError('run-log-unsent', 'Not taken.');

const openRig = (openRunLog?: World['openRunLog'], failure?: CharmError) => {
  const sent: string[][] = [];
  const progress = new FakeProgress();
  let asked = 0;
  const log = {
    send: async (lines: readonly LogLine[]) => {
      asked++;
      if (failure) throw failure;
      sent.push(lines.map(({ text }) => text));
    },
  };
  const world = {
    ...{ progress, clock: new FakeClock('2026-11-25T02:00:03Z') },
    openRunLog: openRunLog ?? (async () => log),
  } as Partial<World> as World;
  const run = () =>
    sendingLog(world, async (said) => {
      await said.note('before');
      await said.step('first');
      await said.note('a detail');
      await said.step('second');
      await said.note('the end');
      return 'done';
    });
  return { sent, progress, world, run, asked: () => asked };
};

describe('what a run says', () => {
  it('is sent with each step, and the rest at the end', async () => {
    const { run, sent, progress } = openRig();
    assert.equal(await run(), 'done');
    assert.deepEqual(sent, [['before', 'first'], ['a detail', 'second'], ['the end']]);
    assert.deepEqual(progress.steps, ['first', 'second']);
    assert.deepEqual(progress.notes, ['before', 'a detail', 'the end']);
  });

  it('ends with why it failed, and fails as it did', async () => {
    const { world, sent } = openRig();
    const failure = new CharmError('store-denied', 'No.');
    await assert.rejects(
      sendingLog(world, () => Promise.reject(failure)),
      failure,
    );
    assert.deepEqual(sent, [['No. [store-denied]']]);
  });

  it('is sent to nobody when nobody collects, and when that is not known', async () => {
    const nobody = openRig(async () => undefined);
    assert.equal(await nobody.run(), 'done');
    const unknown = openRig(() => Promise.reject(new CharmError('juju-tool-failed', 'Odd.')));
    assert.equal(await unknown.run(), 'done');
    assert.deepEqual(unknown.progress.notes, ['Odd.', 'before', 'a detail', 'the end']);
  });

  it('is given up after the first failure, which is said once', async () => {
    const { run, progress, asked } = openRig(undefined, away);
    assert.equal(await run(), 'done');
    assert.equal(asked(), 1);
    assert.deepEqual(progress.notes, ['before', 'Not taken.', 'a detail', 'the end']);
  });
});
