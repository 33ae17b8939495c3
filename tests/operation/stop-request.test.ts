import assert from 'node:assert/strict';
import { CharmError } from '../../src/errors.ts';
import { watchForStop } from '../../src/operation/stop-request.ts';
import { aScaleWorld } from '../rigs/scale-world.ts';

const openRig = (task: string | undefined) => {
  const world = aScaleWorld();
  world.model.addApplication({ name: 'ckf-backup', charm: 'ckf-backup' });
  const set = (value: string): void => {
    world.model.change(({ applications }) => {
      applications['ckf-backup']!.options = { 'stop-running': value };
    });
  };
  const { juju, clock } = world;
  const watch = watchForStop({ juju, clock, application: 'ckf-backup', task });
  return { world, set, watch };
};

describe('the wish of an operator to stop an action', () => {
  it('is heard when the option names its task', async () => {
    const { world, set, watch } = openRig('17');
    using _world = world;
    await using _watch = watch;
    set('17');
    await world.clock.sleep(25_000);
    assert.ok(watch.signal.aborted);
    const { reason } = watch.signal as { reason: CharmError };
    assert.equal(reason.code, 'stopped');
    assert.match(reason.message, /names this task, 17,/);
  });

  for (const value of ['', '1', '170'])
    it(`is another one's when the option is "${value}"`, async () => {
      const { world, set, watch } = openRig('17');
      using _world = world;
      await using _watch = watch;
      set(value);
      await world.clock.sleep(60_000);
      assert.ok(!watch.signal.aborted);
    });

  it('is heard although the controller was away at first', async () => {
    const { world, set, watch } = openRig('17');
    using _world = world;
    await using _watch = watch;
    world.juju.failNext('option', new CharmError('juju-unreachable', 'Away.'));
    set('17');
    await world.clock.sleep(45_000);
    assert.ok(watch.signal.aborted);
  });

  it('is not looked for outside of an action', async () => {
    const { world, set, watch } = openRig(undefined);
    using _world = world;
    await using _watch = watch;
    set('17');
    await world.clock.sleep(60_000);
    assert.ok(!watch.signal.aborted);
  });
});
