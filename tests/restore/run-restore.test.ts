import { backupIdAt } from '../../src/repository/layout.ts';
import type { RestoreReport } from '../../src/restore/describe-plan.ts';
import assert from 'node:assert/strict';
import { CharmError } from '../../src/errors.ts';
import type { RestoreRequest } from '../../src/restore/set.ts';
import { runRestore } from '../../src/restore/run-restore.ts';
import type { World } from '../../src/world.ts';
import { aConfig } from '../rigs/config.ts';
import { signManifest } from '../../src/repository/signature.ts';
import { signingKeys } from '../rigs/signing-keys.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { aRestoreWorld, mysqlBackupId, type RestoreWorldRig } from '../rigs/restore-world.ts';

const request: RestoreRequest = {
  backupId: backupIdAt(new Date('2026-11-21T20:15:00Z')),
  components: ['mlpipeline', 'kfp-db', 'katib-db'],
  dryRun: false,
  deleteExtra: false,
  allowRunning: false,
  allowDamaged: false,
  thaw: false,
  allowUnsigned: false,
  renamed: new Map(),
  confirm: 'kubeflow',
  fromModel: undefined,
  takeOver: false,
  timeoutSeconds: 60,
};

const run = (world: World, wanted: Partial<RestoreRequest> = {}) =>
  runRestore(world, aConfig(), { ...request, ...wanted });

const restored = async (
  world: World,
  wanted: Partial<RestoreRequest> = {},
): Promise<RestoreReport> => {
  const report = await run(world, wanted);
  if ('plan' in report) return assert.fail('nothing was restored');
  return report;
};

/** Nothing of the model, MinIO or the path was changed. */
const assertUntouched = ({ model, source, target, databases }: RestoreWorldRig): void => {
  assert.ok(model.changes.every(({ kind }) => kind !== 'scale'));
  assert.equal(source.objects.size, 0);
  for (const { restores } of Object.values(databases)) assert.deepEqual(restores, []);
  assert.ok(![...target.objects.keys()].some((key) => key.startsWith('ckf/locks/')));
  assert.ok(!target.objects.has('ckf/ckf-backup.json'));
};

const claimOf = ({ target }: RestoreWorldRig): unknown =>
  JSON.parse(target.objects.get('ckf/ckf-backup.json')?.bytes.toString() ?? 'null');

/** The rig's world, and the buckets of MinIO that are opened in it. */
const watchingSources = ({ whole }: RestoreWorldRig) => {
  const opened: string[] = [];
  const world: World = {
    ...whole,
    openSource: (bucket) => {
      opened.push(bucket);
      return whole.openSource(bucket);
    },
  };
  return { world, opened };
};

describe('a restore', () => {
  it('brings back what was overwritten or deleted since, the backups of databases too', async () => {
    using rig = aRestoreWorld();
    const { target, source, clock, databases, whole } = rig;
    target.bucket.keepsVersions = true;
    target.protectedBy = { ...target.protectedBy, versioning: 'on' };
    for (const { key, bytes, metadata } of target.objects.values())
      target.seed(key, bytes, metadata);
    const before = new Map([...target.objects].map(([key, { bytes }]) => [key, bytes]));
    await clock.sleep(1000);
    const asOf = clock.now();
    await clock.sleep(1000);
    for (const [index, key] of [...before.keys()].entries())
      if (index % 2 === 0) target.bucket.remove(key);
      else target.seed(key, 'pay us');

    await assert.rejects(run(whole));
    const early = { asOf: new Date(asOf.getTime() - 3_600_000) };
    await rejectsWithCode(run(whole, early), 'backup-missing');
    await restored(whole, { asOf });

    assert.equal(source.objects.size, 2);
    for (const [name, { restores }] of Object.entries(databases)) {
      assert.deepEqual(restores, [{ id: mysqlBackupId, unit: `${name}/0`, units: 1 }]);
      // What the database read was as it had been written.
      for (const [key, bytes] of before)
        if (key.startsWith(`ckf/${name}/`)) assert.deepEqual(target.objects.get(key)?.bytes, bytes);
    }
  });

  it('brings a bucket back to another one when it is told which, and opens no other', async () => {
    using rig = aRestoreWorld();
    const { world, opened } = watchingSources(rig);
    const wanted = {
      components: ['mlpipeline'],
      renamed: new Map([['mlpipeline', 'pipelines-2']]),
    };
    const report = await restored(world, wanted);
    assert.deepEqual(opened, ['pipelines-2']);
    assert.deepEqual(
      report.buckets.map(({ bucket, copied }) => [bucket, copied]),
      [['pipelines-2', 2]],
    );
    const plan = await run(world, { ...wanted, dryRun: true });
    assert.match(
      'plan' in plan ? plan.plan.join() : '',
      /^bucket pipelines-2 \(mlpipeline of the set\)/,
    );

    for (const renamed of [
      new Map([['mlflow', 'pipelines-2']]),
      new Map([
        ['mlflow', 'a'],
        ['mlpipeline', 'b'],
      ]),
    ])
      await rejectsWithCode(
        run(world, { components: ['mlpipeline'], renamed }),
        'parameter-invalid',
      );
  });

  it('refuses a set that is not signed when there is a key to check it with, unless it may', async () => {
    using rig = aRestoreWorld();
    const keys = signingKeys();
    const world: World = { ...rig.whole, openSigningKeys: async () => keys };
    const { message } = await rejectsWithCode(run(world), 'signature-invalid');
    assert.match(message, /is not signed.*allow-unsigned=true/);
    assertUntouched(rig);
    await restored(world, { allowUnsigned: true });

    const signed = signManifest(rig.manifest, keys);
    rig.target.seed(`ckf/sets/${signed.id}/manifest.json`, JSON.stringify(signed));
    await restored(world);
    const changed = { ...signed, model: { ...signed.model, name: 'kubeflow-2' } };
    rig.target.seed(`ckf/sets/${signed.id}/manifest.json`, JSON.stringify(changed));
    await rejectsWithCode(run(world, { fromModel: 'kubeflow-2' }), 'signature-invalid');
  });

  it('restores databases on exactly one unit, and gives them back the units that they had', async () => {
    using rig = aRestoreWorld(3);
    const report = await restored(rig.whole);
    for (const [name, { restores }] of Object.entries(rig.databases)) {
      assert.deepEqual(restores, [{ id: mysqlBackupId, unit: `${name}/0`, units: 1 }]);
      assert.equal(rig.model.application(name).scale, 3);
    }
    assert.equal(report.buckets[0]?.copied, 2);
    assert.equal(rig.source.objects.get('pipelines/1')?.bytes.toString(), 'content of pipelines/1');
    assert.equal(rig.journal.kept.size, 0);
    assert.ok(![...rig.target.objects.keys()].some((key) => key.startsWith('ckf/locks/')));
  });

  it('opens no bucket of MinIO that the option source-buckets does not name', async () => {
    using rig = aRestoreWorld();
    const { world, opened } = watchingSources(rig);
    const { message } = await rejectsWithCode(
      runRestore(world, aConfig({ sourceBuckets: ['mlflow'] }), { ...request, deleteExtra: true }),
      'parameter-invalid',
    );
    assert.match(message, /bucket mlpipeline, which the option source-buckets \(mlflow\) does not/);
    assert.match(message, /source-buckets=mlflow,mlpipeline/);
    assert.deepEqual(opened, []);
    assertUntouched(rig);
  });

  it('refuses from-model when it names another model than the one that made the set', async () => {
    using rig = aRestoreWorld();
    const { message } = await rejectsWithCode(
      run(rig.whole, { fromModel: 'nope' }),
      'parameter-invalid',
    );
    assert.match(message, /from-model=nope .* Leave from-model out/);
    assertUntouched(rig);
    await restored(rig.whole, { fromModel: 'kubeflow' });
  });

  it('hands each restored database its next path, and counts it in S3 and in the journal', async () => {
    using rig = aRestoreWorld();
    const { databases } = await restored(rig.whole);
    assert.deepEqual(
      databases.map(({ path }) => path),
      ['ckf/kfp-db-2', 'ckf/katib-db-2'],
    );
    assert.deepEqual(Object.fromEntries(rig.handed), await rig.journal.databasePaths());
    assert.deepEqual(claimOf(rig), {
      format: 1,
      model: rig.whole.model,
      generations: { 'kfp-db': 2, 'katib-db': 2 },
    });
    const again = await restored(rig.whole, { components: ['kfp-db'] });
    assert.equal(again.databases[0]?.path, 'ckf/kfp-db-3');
  });

  it('makes a backup visible where the database looks now, and takes that copy away again', async () => {
    using rig = aRestoreWorld();
    rig.paths.set('kfp-db', 'ckf/kfp-db-2');
    rig.target.seed('ckf/kfp-db-2/group_replication_id.txt', 'a group');
    const before = [...rig.target.objects.keys()];
    await restored(rig.whole, { components: ['kfp-db'] });
    assert.equal(rig.databases['kfp-db']?.restores.length, 1);
    const after = [...rig.target.objects.keys()].filter((key) => key !== 'ckf/ckf-backup.json');
    assert.deepEqual(after, before);
  });

  it('changes nothing in a dry run, and says what it would do', async () => {
    using rig = aRestoreWorld(3);
    const report = await run(rig.whole, { dryRun: true, confirm: '', components: undefined });
    assert.ok('plan' in report);
    assert.match(report.plan.join('\n'), /2 objects .* 2 \(.*\) would be brought back/);
    assert.match(report.plan.join('\n'), /kfp-db: .* scaled from 3 to 1/);
    assert.match(report.plan.join('\n'), /mlmd: its database would be replaced/);
    assertUntouched(rig);
  });

  it('stops at the step that fails, says what is done and what is not, and puts scales back', async () => {
    using rig = aRestoreWorld(2);
    rig.databases['kfp-db']!.failure = 'Failed to restore backup';
    const { message, results } = await rejectsWithCode(
      restored(rig.whole),
      'database-restore-failed',
    );
    assert.deepEqual(results, {
      'backup-id': request.backupId,
      restored: 'mlpipeline',
      'not-restored': 'kfp-db,katib-db',
    });
    assert.match(message, /set-password username=/);
    assert.match(
      message,
      /Restored: mlpipeline\. Not, or not completely, restored: kfp-db, katib-db\./,
    );
    assert.match(message, /components=kfp-db,katib-db/);
    assert.equal(rig.model.application('kfp-db').scale, 2);
    assert.deepEqual(rig.databases['katib-db']?.restores, []);
    rig.databases['kfp-db']!.failure = undefined;
    await rig.model.settled('kfp-db');
    await restored(rig.whole, { components: ['kfp-db', 'katib-db'] });
    assert.equal(rig.databases['katib-db'].restores.length, 1);
  });

  it('that an operator stops waits for the action of the database, and then gives it its units back', async () => {
    using rig = aRestoreWorld(3);
    rig.databases['kfp-db']!.takes = 50_000;
    rig.model.addApplication({ name: 'ckf-backup', charm: 'ckf-backup' });
    rig.model.change(({ applications }) => {
      applications['ckf-backup']!.options = { 'stop-running': rig.whole.task ?? '' };
    });
    await rejectsWithCode(restored(rig.whole, { components: ['kfp-db'] }), 'stopped');
    assert.equal(rig.model.application('kfp-db').scale, 3);
    assert.deepEqual(await rig.journal.entries(), []);
  });

  describe('refuses before it changes anything', () => {
    it('without the name of the model', async () => {
      using rig = aRestoreWorld();
      const { message } = await rejectsWithCode(
        run(rig.whole, { confirm: 'kube' }),
        'parameter-invalid',
      );
      assert.match(message, /confirm=kubeflow/);
      assertUntouched(rig);
    });

    it('when there is no such set, or it lacks a component', async () => {
      using rig = aRestoreWorld();
      const other = backupIdAt(new Date('2026-11-21T20:15:01Z'));
      await rejectsWithCode(run(rig.whole, { backupId: other }), 'backup-missing');
      await rejectsWithCode(run(rig.whole, { components: ['mlflow'] }), 'parameter-invalid');
      assertUntouched(rig);
    });

    it('a set of another model, unless that is named; and tells how its passwords are set', async () => {
      using rig = aRestoreWorld();
      const other = { ...rig.whole, model: { name: 'kubeflow', uuid: 'uuid-of-a-new-one' } };
      const { message } = await rejectsWithCode(run(other), 'parameter-invalid');
      assert.match(message, /get-password username=<user>.*set-password username=<user>/);
      assert.match(message, /from-model=kubeflow/);
      assertUntouched(rig);
      await restored(other, { fromModel: 'kubeflow' });
    });

    it('when the bucket may not be written', async () => {
      using rig = aRestoreWorld();
      rig.source.failNext('startParts', new CharmError('store-denied', 'MinIO refuses to write.'));
      await rejectsWithCode(run(rig.whole), 'store-denied');
      assertUntouched(rig);
    });

    it('while something runs, or a database is not well, and says all of it', async () => {
      using rig = aRestoreWorld();
      rig.databases['katib-db']!.states.set('katib-db/0', 'recovering');
      rig.model.setWorkload('kfp-db/0', 'maintenance', 'Running backup...');
      rig.kubernetes.addResources(
        { groupVersion: 'argoproj.io/v1alpha1', plural: 'workflows' },
        { namespace: 'alice', name: 'train', status: { phase: 'Running' } },
      );
      const { message } = await rejectsWithCode(run(rig.whole), 'preflight-failed');
      assert.match(message, /^3 problems .*nothing was changed/);
      for (const code of ['application-unhealthy', 'database-unhealthy', 'workloads-running'])
        assert.ok(message.includes(`[${code}]`), code);
      assertUntouched(rig);
    });

    it('a backup of another series, or of a later version, of MySQL than there is', async () => {
      for (const version of ['8.4.7', '8.0.45', '5.7.44']) {
        using rig = aRestoreWorld();
        const { databases } = rig.manifest;
        rig.target.seed(
          `ckf/sets/${rig.manifest.id}/manifest.json`,
          JSON.stringify({
            ...rig.manifest,
            databases: databases.map((one) => ({
              ...one,
              version: one.component === 'kfp-db' ? version : '8.0.36-0ubuntu0.22.04.1',
            })),
          }),
        );
        const { message } = await rejectsWithCode(run(rig.whole), 'database-version');
        assert.match(message, /^kfp-db runs MySQL 8\.0\.44, and its backup was made by /);
        assertUntouched(rig);
        await restored(rig.whole, { components: ['katib-db'] });
      }
    });

    it('two databases whose backups have one id in S3 storages of their own, and names both', async () => {
      using rig = aRestoreWorld();
      const databases = rig.manifest.databases.map((one) => ({ ...one, path: undefined }));
      rig.target.seed(
        `ckf/sets/${rig.manifest.id}/manifest.json`,
        JSON.stringify({ ...rig.manifest, databases }),
      );
      const { message } = await rejectsWithCode(
        run(rig.whole, { components: ['kfp-db'] }),
        'set-damaged',
      );
      assert.match(message, /kfp-db: its backup has the same id as that of katib-db/);
      assertUntouched(rig);
      await restored(rig.whole, { components: ['mlpipeline'] });
    });

    it('while an earlier operation has a scale to put back, which it would take for the original', async () => {
      using rig = aRestoreWorld(2);
      const entry = {
        application: 'kfp-db',
        scale: 1,
        changedTo: 2,
        since: '2026-11-21T20:00:00Z',
      };
      await rig.journal.record(entry);
      const { message } = await rejectsWithCode(run(rig.whole), 'scale-refused');
      assert.match(message, /juju scale-application kfp-db 1/);
      assert.deepEqual(await rig.journal.entries(), [entry]);
      assertUntouched(rig);
    });

    it('when the journal cannot be written, which would show only after a database was restored', async () => {
      using rig = aRestoreWorld();
      rig.journal.failure = new CharmError('disk-full', 'The storage journal is full.');
      await rejectsWithCode(run(rig.whole), 'disk-full');
      assertUntouched(rig);
    });

    it('when somebody else works on the path', async () => {
      using rig = aRestoreWorld();
      rig.target.seed(
        'ckf/lock.json',
        JSON.stringify({ modelUuid: 'm', unit: 'u', nonce: 'n', expires: '2999-01-01T00:00:00Z' }),
      );
      await rejectsWithCode(run(rig.whole), 'backup-running');
      assert.equal(rig.source.objects.size, 0);
    });
  });

  describe('of a path that belongs to another model', () => {
    const foreign = JSON.stringify({
      format: 1,
      model: { name: 'old', uuid: 'uuid-of-old' },
      generations: { 'kfp-db': 4 },
    });

    it('leaves that claim alone, and the databases without a path to write to', async () => {
      using rig = aRestoreWorld();
      rig.target.seed('ckf/ckf-backup.json', foreign);
      const { databases } = await restored(rig.whole);
      assert.ok(databases.every(({ path }) => path === undefined));
      assert.equal(rig.handed.size, 0);
      assert.equal(JSON.stringify(claimOf(rig)), foreign);
    });

    it('does not take it over while its clock is wrong', async () => {
      using rig = aRestoreWorld();
      rig.target.seed('ckf/ckf-backup.json', foreign);
      const clock = {
        now: () => new Date(rig.clock.now().getTime() + 600_000),
        sleep: (milliseconds: number, signal?: AbortSignal) =>
          rig.clock.sleep(milliseconds, signal),
      };
      await rejectsWithCode(
        restored({ ...rig.whole, clock }, { takeOver: true, components: ['kfp-db'] }),
        'clock-wrong',
      );
      assert.equal(JSON.stringify(claimOf(rig)), foreign);
    });

    it('takes it over on purpose, and no database goes on where another cluster wrote', async () => {
      using rig = aRestoreWorld();
      rig.target.seed('ckf/ckf-backup.json', foreign);
      await restored(rig.whole, { takeOver: true, components: ['kfp-db'] });
      assert.deepEqual(claimOf(rig), {
        format: 1,
        model: rig.whole.model,
        generations: { 'kfp-db': 6, 'katib-db': 2 },
      });
      assert.deepEqual(Object.fromEntries(rig.handed), {
        'kfp-db': 'ckf/kfp-db-6',
        'katib-db': 'ckf/katib-db-2',
      });
    });
  });
});
