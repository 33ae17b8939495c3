import assert from 'node:assert/strict';
import type { Session } from '../../src/sessions/session.ts';
import { copyOfBox } from '../rigs/copy-of-box.ts';

describe('a backup that takes longer than run-deadline', () => {
  it('is ended in order: scales are put back, and its session says why', async () => {
    await using box = await copyOfBox();
    const scales = box.scales();
    await box.configure({ 'run-deadline': '1m', components: 'kfp-db' });
    box.databases['kfp-db'].faults.backupHangs = 90_000;

    const run = await box.run('backup-control-plane');
    assert.equal(run.status, 'failed');
    assert.match(run.message, /longer than 1m0s \(run-deadline\).*\[deadline-exceeded\]$/);
    assert.deepEqual(box.scales(), scales);

    await box.hook('update-status');
    const listed = await box.run('list-sessions', { format: 'json' });
    const [session] = JSON.parse(String(listed.results['sessions'])) as Session[];
    assert.partialDeepStrictEqual(session, { phase: 'Failed', code: 'deadline-exceeded' });
    const sets = await box.run('list-backups');
    assert.equal(sets.results['backups'], 'There are no backups.');
  });
});
