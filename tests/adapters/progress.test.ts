import assert from 'node:assert/strict';
import { actionProgress, hookProgress } from '../../src/adapters/progress.ts';
import { HookToolError } from '../../src/adapters/hook-tools/run-tool.ts';
import { FakeHookTools } from '../fakes/hook-tools.ts';

describe('progress', () => {
  it('is seen in the log of the action, and its steps in the status of the unit', async () => {
    const tools = new FakeHookTools();
    const progress = actionProgress(tools);
    await progress.step('Copying');
    await progress.note('1 of 2');
    assert.deepEqual(tools.actionLogs, ['Copying', '1 of 2']);
    assert.deepEqual(tools.status, { name: 'maintenance', message: 'Copying' });
  });

  it('stays below the lines that Juju takes, and its steps go on in the status', async () => {
    const tools = new FakeHookTools();
    const progress = actionProgress(tools);
    for (let line = 0; line < 2000; line++) await progress.note(`line ${line}`);
    await progress.step('Done');
    assert.ok(tools.actionLogs.length < 1000);
    assert.equal(tools.status.message, 'Done');
  });

  it('of a hook goes to the log and leaves the status alone', async () => {
    const tools = new FakeHookTools();
    await hookProgress(tools).step('Copying');
    await hookProgress(tools).note('1 of 2');
    assert.deepEqual(tools.logs, ['INFO Copying', 'DEBUG 1 of 2']);
    assert.equal(tools.status.message, '');
  });

  it('fails nothing when the agent has lost its controller', async () => {
    const tools = new FakeHookTools();
    const lost = async (): Promise<void> => {
      throw new HookToolError('action-log', 'exit status 1', 'ERROR connection is shut down');
    };
    Object.assign(tools, { actionLog: lost, setStatus: lost, log: lost });
    for (const progress of [actionProgress(tools), hookProgress(tools)]) {
      await progress.step('Copying');
      await progress.note('1 of 2');
    }
    tools.actionLog = async (message) => void tools.actionLogs.push(message);
    await actionProgress(tools).note('2 of 2');
    assert.deepEqual(tools.actionLogs, ['2 of 2']);
  });
});
