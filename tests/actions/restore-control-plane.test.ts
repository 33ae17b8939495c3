import assert from 'node:assert/strict';
import { restoreControlPlane } from '../../src/actions/restore-control-plane.ts';
import { aConfig } from '../rigs/config.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { aRestoreWorld, mysqlBackupId } from '../rigs/restore-world.ts';

/** As Juju hands them over: every default filled in. */
const parameters = {
  'backup-id': '2026-11-21T20:15:00Z',
  confirm: 'kubeflow',
  components: 'kfp-db, mlpipeline',
  'dry-run': false,
  'delete-extra': false,
  'allow-running': false,
  'from-model': '',
  'take-over': false,
  timeout: 60,
};

describe('the action restore-control-plane', () => {
  it('says what was restored, and where the databases write from now on', async () => {
    using rig = aRestoreWorld();
    const results = await restoreControlPlane(rig.whole, aConfig(), parameters);
    assert.equal(results['backup-id'], '2026-11-21T20:15:00Z');
    assert.equal(results['restored'], 'kfp-db,mlpipeline');
    assert.equal(results['kfp-db-backup-id'], mysqlBackupId);
    assert.equal(results['kfp-db-path'], 'ckf/kfp-db-2');
    assert.equal(results['mlpipeline-copied'], '2');
    assert.match(results['next'] ?? '', /From now on kfp-db writes to ckf\/kfp-db-2\./);
    assert.ok(Object.keys(results).every((key) => /^[a-z][a-z0-9-]*$/.test(key)));
    assert.deepEqual(rig.databases['katib-db']?.restores, []);
  });

  it('refuses what is not the id of a set before it looks at anything', async () => {
    using rig = aRestoreWorld();
    const openTarget = () => assert.fail('opened the target');
    for (const id of ['yesterday', '../sets', '2026-11-21'])
      await rejectsWithCode(
        restoreControlPlane({ ...rig.whole, openTarget }, aConfig(), {
          ...parameters,
          'backup-id': id,
        }),
        'parameter-invalid',
      );
  });

  it('keeps what the set does not know unless it is told to delete it', async () => {
    using rig = aRestoreWorld();
    rig.source.seed('later', 'made after the backup');
    const kept = await restoreControlPlane(rig.whole, aConfig(), {
      ...parameters,
      components: 'mlpipeline',
    });
    assert.equal(kept['mlpipeline-extra'], '1');
    assert.ok(rig.source.objects.has('later'));
    await restoreControlPlane(rig.whole, aConfig(), {
      ...parameters,
      components: 'mlpipeline',
      'delete-extra': true,
    });
    assert.deepEqual([...rig.source.objects.keys()], ['artifacts/1', 'pipelines/1']);
  });

  it('tells the plan of a dry run, for which nothing has to be confirmed', async () => {
    using rig = aRestoreWorld();
    const results = await restoreControlPlane(rig.whole, aConfig(), {
      ...parameters,
      confirm: '',
      'dry-run': true,
    });
    assert.equal(results['dry-run'], 'true');
    assert.match(results['plan'] ?? '', /would be brought back.*\n.*would be replaced/);
    assert.equal(rig.source.objects.size, 0);
  });

  it('brings a bucket back to another one that is named, and refuses names that are not valid', async () => {
    using rig = aRestoreWorld();
    const opened: string[] = [];
    const world = {
      ...rig.whole,
      openSource: (bucket: string) => {
        opened.push(bucket);
        return rig.whole.openSource(bucket);
      },
    };
    const only = { ...parameters, components: 'mlpipeline' };
    const wanted = { ...only, 'rename-buckets': ' mlpipeline = pipelines-2 , ' };
    await restoreControlPlane(world, aConfig(), wanted);
    assert.deepEqual(opened, ['pipelines-2']);
    for (const text of [
      'mlpipeline',
      'mlpipeline=',
      '=a',
      'a=b',
      'mlpipeline=../x',
      'abc=abd,abc=abe',
      'abc=abd=abe',
    ])
      await rejectsWithCode(
        restoreControlPlane(world, aConfig(), { ...only, 'rename-buckets': text }),
        'parameter-invalid',
      );
  });

  it('restores nothing that was not confirmed', async () => {
    using rig = aRestoreWorld();
    await rejectsWithCode(
      restoreControlPlane(rig.whole, aConfig(), { ...parameters, confirm: '' }),
      'parameter-invalid',
    );
    assert.equal(rig.source.objects.size, 0);
  });
});
