import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertPutBack, assertScalesBack, calmOf, undoIn } from './aftermath.ts';
import { assertIntact, setsIn } from './intact.ts';
import type { Rig } from './rig.ts';
import { lookOn } from './moments.ts';
import { testRig } from './test-rig.ts';

const scaledUp = 'juju Application.ScaleApplications application-kfp-db 2';
const enqueued = 'juju Action.EnqueueOperation unit-kfp-db-1 create-backup';
const writerStopped = 'juju Application.ScaleApplications application-kfp-metadata-writer 0';

describe('a backup whose controller', () => {
  const rigOf = testRig();
  let rig: Rig;
  before(() => {
    rig = rigOf();
  });

  /**
   * A whole backup, during which `act` is called once, right after the first moment of this name.
   */
  const backUpAnd = async (name: string, act: () => void) => {
    let acted = false;
    using _looking = lookOn(rig, ({ what, when }) => {
      if (acted || what !== name || when !== 'after') return undefined;
      acted = true;
      act();
      return undefined;
    });
    const run = await rig.box.run('backup-control-plane');
    assert.ok(acted, `${name} never came`);
    return run;
  };

  it('drops the connection while a database backs itself up goes on, and starts no second one', async () => {
    const calm = calmOf(rig.box);
    const { controller, model } = rig.box;
    const before = model.state.tasks.filter(({ status }) => status === 'completed').length;
    const run = await backUpAnd(enqueued, () => {
      controller.dropConnections();
    });
    assert.equal(run.status, 'completed', run.message);
    const made = model.state.tasks
      .filter(({ status }) => status === 'completed')
      .slice(before)
      .filter(({ action, unit }) => action === 'create-backup' && unit === 'kfp-db/1');
    assert.equal(made.length, 1);
    assertIntact(rig.box, setsIn(rig.box).at(-1)!);
    assertPutBack(rig.box, rig.journal, calm);
  });

  it('is restarted waits for it, and completes', async () => {
    const calm = calmOf(rig.box);
    const { controller } = rig.box;
    const run = await backUpAnd(scaledUp, () => {
      void controller.stop().then(async () => {
        await sleep(2000);
        await controller.start();
      });
    });
    assert.equal(run.status, 'completed', run.message);
    assertIntact(rig.box, setsIn(rig.box).at(-1)!);
    assertPutBack(rig.box, rig.journal, calm);
  });

  it('is away when the unit has to stop ends in time, and the journal keeps what the next hook does', async () => {
    const calm = calmOf(rig.box);
    const { controller } = rig.box;
    const earlier = setsIn(rig.box);
    let stopped = Promise.resolve();
    let asked = 0;
    const run = await (async () => {
      using _looking = lookOn(rig, ({ what, when }) => {
        if (what !== writerStopped || when !== 'after') return undefined;
        stopped = controller.stop();
        started.signal('SIGTERM');
        asked = performance.now();
        return undefined;
      });
      const started = rig.box.start('backup-control-plane');
      return await started.done;
    })();
    assert.equal(run.dispatch.signal, 'SIGTERM', JSON.stringify([run.message, run.dispatch]));
    assert.ok(performance.now() - asked < 30_000);
    await stopped;
    // The databases are backed up at the same time, and may be left as well.
    assert.ok(undoIn(rig.journal).includes('undo-kfp-metadata-writer.json'));
    assert.deepEqual(setsIn(rig.box), earlier);

    await rig.box.hook('update-status');
    const { status, message } = rig.box.unit.agent.state.unitStatus;
    assert.equal(status, 'blocked');
    assert.match(message, /juju scale-application (kfp-metadata-writer|kfp-db|katib-db) 1/);
    await controller.start();
    await rig.box.hook('update-status');
    assertScalesBack(rig.box, rig.journal, calm);
    // That the backup did not come to its end is all that is left to say.
    assert.match(
      rig.box.unit.agent.state.unitStatus.message,
      /^Ready; the backup of .* was interrupted/,
    );
  });
});
