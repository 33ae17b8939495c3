import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { actionNames } from '../../src/actions/actions.ts';
import { silentServer } from '../servers/network/silent-server.ts';
import { startUnitAgent } from '../servers/unit-agent/unit-agent.ts';
import { newUnit } from '../servers/unit-agent/state.ts';
import { databags, relations, unitWith } from './world-of-relations.ts';

describe('an action', () => {
  it('of actions.yaml has a handler, and there is no other', () => {
    const path = join(import.meta.dirname, '../../actions.yaml');
    assert.deepEqual(
      Object.keys(parse(readFileSync(path, 'utf8')) as object).sort(),
      actionNames.toSorted(),
    );
  });

  it('is refused by a unit that does not lead, which names the one to ask and changes nothing', async () => {
    const state = newUnit({ leader: false });
    const before = structuredClone(state);
    await using agent = await startUnitAgent({ state });
    const { exitCode, action, stdout, stderr } = await agent.dispatch({
      action: 'backup-control-plane',
    });
    assert.deepEqual({ exitCode, stdout, stderr }, { exitCode: 0, stdout: '', stderr: '' });
    assert.equal(action?.status, 'failed');
    assert.match(
      action.message,
      /ckf-backup\/0 is not the leader.*juju run ckf-backup\/leader backup-control-plane timeout=1800 \[not-leader\]$/,
    );
    assert.deepEqual(action.results, { 'error-code': 'not-leader', 'return-code': 0 });
    assert.deepEqual(state, before);
  });

  it('fails with the option that is wrong, and the status says it too', async () => {
    const state = newUnit({ config: { 'database-units': 0 } });
    await using agent = await startUnitAgent({ state });
    await agent.attachStorage('journal');
    const { exitCode, action } = await agent.dispatch({ action: 'check' });
    assert.equal(exitCode, 0);
    assert.match(
      (action?.log ?? []).join('\n'),
      /\. The option database-units is 0, .* \[option-invalid\]$/m,
    );
    assert.match(action?.message ?? '', /\[option-invalid\]/);
    assert.equal(state.unitStatus.status, 'blocked');
    assert.match(state.unitStatus.message, /\(and \d more\)/);
  });

  it('reports every missing part of its world at once, and leaves no status of its own', async () => {
    const state = unitWith([relations.minio({})]);
    Reflect.deleteProperty(state, 'credential');
    await using agent = await startUnitAgent({ state });
    await agent.attachStorage('journal');
    const { exitCode, action, stdout, stderr } = await agent.dispatch({ action: 'check' });
    assert.deepEqual({ exitCode, stdout, stderr }, { exitCode: 0, stdout: '', stderr: '' });
    assert.equal(action?.status, 'failed');
    for (const part of [
      'juju config ckf-backup juju-credentials=',
      'juju integrate ckf-backup:s3-credentials s3-integrator',
      'minio has not sent its address',
      'juju trust ckf-backup --scope=cluster',
    ])
      assert.ok(action.log.join('\n').includes(part), `${part} is not in the log`);
    assert.ok(action.message.length <= 400);
    assert.equal(state.unitStatus.status, 'blocked');
  });

  it('dies of the signal that asked it to stop, so that Juju does not take it for a failure of its own', async () => {
    await using store = await silentServer();
    const state = unitWith([
      relations.s3({ ...databags.track1, endpoint: `http://${store.address}` }),
    ]);
    await using agent = await startUnitAgent({ state });
    await agent.attachStorage('journal');
    const running = agent.start({ action: 'check' });
    await Promise.race([store.called, running.done]);
    running.kill('SIGTERM');
    const { signal, action } = await running.done;
    assert.equal(signal, 'SIGTERM');
    assert.equal(action?.message, 'terminated');
  });
});
