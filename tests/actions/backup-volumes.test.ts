import assert from 'node:assert/strict';
import { backupVolumes } from '../../src/actions/backup-volumes.ts';
import { CharmError } from '../../src/errors.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { type VolumeWorldRig, aVolumeWorld, volumesConfig } from '../rigs/volume-world.ts';

describe('backup-volumes', () => {
  let rig: VolumeWorldRig;
  beforeEach(() => {
    rig = aVolumeWorld();
    for (const user of ['alice', 'bob']) rig.addProfile(user);
    rig.addVolume('alice/home', { thesis: 'x'.repeat(2048) });
    rig.addVolume('bob/data', { rows: 'many rows' });
  });
  afterEach(() => {
    rig[Symbol.dispose]();
  });

  const run = (parameters: Readonly<Record<string, unknown>> = {}, config = volumesConfig()) =>
    backupVolumes(rig.whole, config, { volumes: '', 'in-use': '', slot: '', ...parameters });
  const failIn = (namespace: string): void => {
    rig.restic.instead = (one, role) =>
      role === 'backup' && one.pod.metadata.namespace === namespace
        ? { exitCode: 1, output: 'no space left' }
        : undefined;
  };

  it('says how many volumes ended how, and says first that it takes a while', async () => {
    rig.addVolume('bob/empty');
    const { session, duration, ...results } = await run();
    assert.deepEqual(results, {
      ...{ phase: 'Succeeded', succeeded: '2', partial: '0', failed: '0', skipped: '1' },
      ...{ 'bytes-added': '2.0 KiB', removed: '0' },
    });
    assert.match(session ?? '', /^20261121t\d{6}z$/);
    assert.match(duration ?? '', /^\d+s$/);
    assert.match(rig.progress.notes[0] ?? '', /^This takes a while\..* juju run --wait=6h/);
    assert.equal(rig.progress.notes.at(-1), 'bob/empty: Skipped: It has no files.');
  });

  it('fails with what failed, and has the results of the others', async () => {
    failIn('bob');
    const error = await rejectsWithCode(run(), 'volumes-failed');
    assert.equal(
      error.message,
      '1 of 2 volumes could not be backed up: bob/data. The first: bob/data: restic failed: no space left',
    );
    assert.deepEqual([error.results['succeeded'], error.results['failed']], ['1', '1']);
    assert.ok(
      rig.progress.notes.includes('bob/data: Failed: bob/data: restic failed: no space left'),
    );
  });

  it('shows the role that is enough when Kubernetes refuses something', async () => {
    const refuse = (wanted: string): void => {
      rig.cluster.onCall = (call) => {
        if (call.startsWith(wanted)) throw new CharmError('kubernetes-denied', 'No.');
      };
    };
    const shown = () =>
      rig.progress.notes.filter((note) => /kind: ClusterRole\n[^]*secrets/.test(note)).length;
    refuse('list namespaces');
    await rejectsWithCode(run(), 'kubernetes-denied');
    assert.equal(shown(), 1);
    await rig.later(60);
    refuse('create jobs bob');
    await rejectsWithCode(run(), 'volumes-failed');
    assert.equal(shown(), 2);
  });

  it('takes a pattern, and what is to be done about volumes in use', async () => {
    rig.addPod('alice', 'lab-0', 'home');
    const skipped = await run({ volumes: ' alice/* ', 'in-use': 'skip' });
    assert.deepEqual([skipped['phase'], skipped['skipped']], ['Skipped', '1']);
    await rig.later(60);
    const done = await run({ volumes: 'alice/*' });
    assert.deepEqual([done['phase'], done['succeeded']], ['Succeeded', '1']);
  });

  it('says why old backups stayed', async () => {
    const config = volumesConfig({ keep: { last: 1, daily: 0, weekly: 0, monthly: 0 } });
    await run({}, config);
    await rig.later(3600);
    rig.restic.instead = (_run, role) =>
      role.startsWith('forget') ? { exitCode: 1, output: 'S3 said no' } : undefined;
    const results = await run({}, config);
    assert.equal(results['removed'], '0');
    assert.match(results['not-removed'] ?? '', /^In 2 of 2 repositories old backups could not/);
    rig.restic.instead = () => undefined;
    await rig.later(3600);
    assert.equal((await run({}, config))['removed'], '4');
  });

  it('fails while another session is at work, and leaves the slot to the schedule', async () => {
    const held = Promise.withResolvers<undefined>();
    rig.restic.instead = async (_run, role) => {
      if (role === 'backup') await held.promise;
      return undefined;
    };
    const first = run();
    while (!rig.restic.commands.includes('backup: backup')) await rig.later(1);
    const other = { ...rig.whole, unit: 'ckf-backup/1', host: 'node-2' };
    const parameters = { volumes: '', slot: '2026-11-21T20:00:00Z' };
    await rejectsWithCode(backupVolumes(other, volumesConfig(), parameters), 'backup-running');
    held.resolve(undefined);
    const { session } = await first;
    assert.deepEqual(
      (await rig.records()).map(({ id }) => id),
      [session],
    );
  });

  it('remembers the time of the schedule that it was for, and the task', async () => {
    await run({ slot: '2026-11-21T20:00:00Z' });
    const [record] = await rig.records();
    assert.deepEqual([record?.slot, record?.task], ['2026-11-21T20:00:00Z', '7']);
    await rejectsWithCode(run({ slot: 'tomorrow' }), 'parameter-invalid');
  });
});
