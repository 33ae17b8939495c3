import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Session } from '../../src/sessions/session.ts';
import { copyOfBox } from '../rigs/copy-of-box.ts';
import type { Box } from '../sandbox/box.ts';
import { assertNothingRuns } from './expect-failure.ts';

describe('a backup that does not end by itself', () => {
  let directory: string;
  let box: Box;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'killed-'));
    const preload = new URL('../sandbox/awaited-sleep.js', import.meta.url).href;
    box = await copyOfBox(
      {},
      { NODE_OPTIONS: `--import=${preload}`, LONG_SLEEPS_END: join(directory, 'end') },
    );
  });

  after(async () => {
    await box[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  it('is undone by the next hook, from the journal, when it is killed', async () => {
    const scales = box.scales();
    const started = box.start('backup-control-plane');
    await box.model.until(({ applications }) => applications['kfp-db']?.scale === 2);
    started.cancel();
    assert.equal((await started.done).status, 'failed');
    assert.equal(box.scales()['kfp-db'], 2);

    await box.hook('update-status');
    assert.deepEqual(box.scales(), scales);
    assertNothingRuns(box);
    assert.match(box.unit.agent.state.unitStatus.message, /^Ready/);
  });

  it('is ended by run-deadline when it hangs, and has put back what it changed by then', async () => {
    const scales = box.scales();
    await box.configure({ components: 'kfp-db' });
    const { faults } = box.databases['kfp-db'];
    faults.backupHangs = 6000;
    const started = box.start('backup-control-plane');
    await box.model.until(({ tasks }) =>
      tasks.some(({ action, status }) => action === 'create-backup' && status === 'running'),
    );
    assert.equal(box.scales()['kfp-db'], 2);
    writeFileSync(join(directory, 'end'), '');
    const { status, message, dispatch } = await started.done;
    rmSync(join(directory, 'end'));
    faults.backupHangs = 0;
    assert.deepEqual([status, dispatch.exitCode], ['failed', 0]);
    assert.match(
      message,
      /^The backup took longer than 12h0m \(run-deadline\) .* is put back.*\[deadline-exceeded\]$/,
    );
    assert.deepEqual(box.scales(), scales);
    const { results } = await box.run('list-sessions', { format: 'json' });
    const [session] = JSON.parse(String(results['sessions'])) as Session[];
    assert.partialDeepStrictEqual(session, { phase: 'Failed', code: 'deadline-exceeded' });
    assert.match(box.unit.agent.state.unitStatus.message, /\[deadline-exceeded\]/);
  });

  it('leaves nothing behind that hinders the next one', async () => {
    await box.configure({ components: 'mlpipeline' });
    assert.equal((await box.run('backup-control-plane')).status, 'completed');
  });
});
