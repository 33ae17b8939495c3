import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { openJournal } from '../../src/adapters/journal.ts';
import { openJujuRig, password } from '../rigs/juju.ts';
import { newUnit } from '../servers/unit-agent/state.ts';
import { startUnitAgent } from '../servers/unit-agent/unit-agent.ts';
import { giveCredentials } from './lane.ts';

const scaling = 'Application.ScaleApplications';

describe('a stop hook that is killed', () => {
  // As Juju 4.0.15 did on a refresh in the middle of a backup: the pod was killed inside the hook.
  it('is run again, puts back what it had not, and lets the next pod start', async () => {
    await using rig = await openJujuRig();
    const { model, controller } = rig;
    model.setScale('kfp-db', 2);
    const { name, uuid } = model.state;
    const state = newUnit({ model: { name, uuid }, jujuVersion: '4.0.15' });
    giveCredentials(state, { username: 'ckf-backup', password });
    await using agent = await startUnitAgent({
      state,
      controller: { addresses: [controller.endpoint], ca: controller.ca },
    });
    const directory = await agent.attachStorage('journal');
    const journal = openJournal({
      locate: async () => directory,
      report: async (message) => assert.fail(message),
    });
    const since = '2026-11-26T10:00:00Z';
    await journal.record({ application: 'kfp-db', scale: 1, changedTo: 2, since });

    controller.faults.plan(scaling, { kind: 'stall' });
    const stop = agent.start({ hook: 'stop' });
    while (!controller.requests.some(({ method }) => method === scaling)) await delay(10);
    stop.kill('SIGKILL');
    assert.equal((await stop.done).signal, 'SIGKILL');
    assert.equal((await journal.entries()).length, 1);

    for (const hook of ['stop', 'start']) {
      const { exitCode, stderr } = await agent.dispatch({ hook });
      assert.deepEqual([exitCode, stderr], [0, ''], hook);
    }
    assert.equal(model.application('kfp-db').scale, 1);
    assert.deepEqual(await journal.entries(), []);
  });
});
