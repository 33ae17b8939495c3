import assert from 'node:assert/strict';
import { backupControlPlane } from '../../src/actions/backup-control-plane.ts';
import { listSessions } from '../../src/sessions/stored-sessions.ts';
import { type BackupWorldRig, aBackupWorld } from '../rigs/backup-world.ts';
import { aConfig } from '../rigs/config.ts';
import { anMlmdVolume } from '../rigs/mlmd-volume.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { targetIn } from '../rigs/target.ts';

describe('backup-control-plane', () => {
  let rig: BackupWorldRig;
  let volume: ReturnType<typeof anMlmdVolume>;
  beforeEach(() => {
    volume = anMlmdVolume();
    rig = aBackupWorld();
    rig.kubernetes.onExec = volume.run;
    for (const path of ['ckf/kfp-db', 'ckf/katib-db'])
      rig.target.seed(`${path}/2026-11-21T20:15:10Z.md5`, 'x');
  });
  afterEach(() => {
    rig[Symbol.dispose]();
    volume[Symbol.dispose]();
  });

  const run = (parameters: Readonly<Record<string, unknown>> = {}) =>
    backupControlPlane(rig.whole, aConfig(), {
      ...{ 'allow-running': false, 'allow-shrink': false, 'take-over': false, timeout: 600 },
      ...{ slot: '', attempt: 1, ...parameters },
    });
  const sessions = async () => (await listSessions(targetIn(rig.target), { limit: 10 })).sessions;

  it('says where the set is, and numbers of each component', async () => {
    const results = await run();
    const { 'backup-id': id = '', location, consistent, 'mlmd-object': object } = results;
    assert.match(id, /^2026-11-2\dT\d\d:\d\d:\d\dZ$/);
    assert.equal(location, `s3://backups/ckf/sets/${id}/`);
    assert.equal(consistent, 'true');
    assert.ok(rig.target.bucket.find(object ?? ''));
    for (const [key, form] of [
      ['duration', /^(\d+h\d+m|\d+m\d+s|\d+s)$/],
      ['kfp-db-unit', /^kfp-db\/\d$/],
      ['kfp-db-seconds', /^\d+\.\d$/],
      ['katib-db-backup-id', /^2026-11-2\dT/],
      ['mlmd-size', /^[\d.]+ (B|KiB)$/],
      ['mlmd-rows', /^\d+$/],
      ['mlpipeline-objects', /^1$/],
      ['mlpipeline-size', /^10 B$/],
      ['mlpipeline-copied', /^1$/],
    ] as const)
      assert.match(results[key] ?? '', form, key);
    assert.match(rig.progress.notes[0] ?? '', /^This takes a while\..* juju run --wait=6h/);
    const [session] = await sessions();
    assert.deepEqual(
      [session?.phase, session?.trigger, session?.set],
      ['Succeeded', 'operator', id],
    );
  });

  it('keeps a record of a run for the schedule, by its slot', async () => {
    await run({ slot: '2026-11-21T20:00:00Z', attempt: 2 });
    const [session] = await sessions();
    assert.deepEqual(
      [session?.id, session?.trigger, session?.attempt],
      ['2026-11-21T20:00:00Z', 'schedule', 2],
    );
    await rejectsWithCode(run({ slot: 'tonight' }), 'parameter-invalid');
  });

  it('has no results of components that are not backed up', async () => {
    const results = await backupControlPlane(rig.whole, aConfig({ components: ['kfp-db'] }), {});
    assert.deepEqual(
      Object.keys(results).filter((key) => /^(mlmd|mlpipeline|katib)/.test(key)),
      [],
    );
    assert.ok(results['kfp-db-backup-id']);
  });

  it('fails as the backup did, and leaves a record of that', async () => {
    rig.model.state.applications['kfp-db']!.units.splice(0);
    await assert.rejects(run());
    const [session] = await sessions();
    assert.equal(session?.phase, 'Failed');
    assert.equal(session.set, undefined);
  });
});
