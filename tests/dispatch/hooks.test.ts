import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { startUnitAgent } from '../servers/unit-agent/unit-agent.ts';
import { newUnit } from '../servers/unit-agent/state.ts';

describe('a hook, through the real dispatch,', () => {
  it('says what a unit that was just deployed needs', async () => {
    const state = newUnit();
    await using agent = await startUnitAgent({ state });
    await agent.attachStorage('journal');
    await agent.dispatch({ hook: 'install' });
    assert.equal(state.unitStatus.status, 'blocked');
    assert.match(state.unitStatus.message, /juju config ckf-backup juju-credentials=/);
    assert.deepEqual(state.applicationStatus, state.unitStatus);
    assert.equal(state.workloadVersion, '0.1.0');
  });

  it('gets along without its storage', async () => {
    const state = newUnit();
    await using agent = await startUnitAgent({ state });
    await rm(await agent.attachStorage('journal'), { recursive: true });
    const { exitCode } = await agent.dispatch({ hook: 'update-status' });
    assert.equal(exitCode, 0);
    assert.equal(state.unitStatus.status, 'blocked');
  });
});
