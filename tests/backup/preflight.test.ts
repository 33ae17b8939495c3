import { moveDatabasesOn } from '../../src/components/databases/paths.ts';
import assert from 'node:assert/strict';
import type { Config } from '../../src/config/config.ts';
import { preflight, type BackupRequest } from '../../src/backup/preflight.ts';
import { CharmError, longestMessage } from '../../src/errors.ts';
import { layoutOf } from '../../src/repository/layout.ts';
import { reserveId } from '../../src/repository/reserve-id.ts';
import type { World } from '../../src/world.ts';
import { aBackupWorld } from '../rigs/backup-world.ts';
import { aConfig } from '../rigs/config.ts';
import { sourceIn } from '../rigs/target.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';

const request: BackupRequest = {
  allowRunning: false,
  allowShrink: false,
  takeOver: false,
  timeoutSeconds: 60,
};

const check = async (
  world: World,
  config: Partial<Config> = {},
  wanted: Partial<BackupRequest> = {},
) => {
  await using ready = await preflight(world, aConfig(config), { ...request, ...wanted });
  return ready;
};

/** The preflight and the step after it, as a backup and `check` take them. */
const checkAndMove = async (world: World, wanted: Partial<BackupRequest> = {}): Promise<void> => {
  await using ready = await preflight(world, aConfig({}), { ...request, ...wanted });
  await moveDatabasesOn(world, ready);
};

describe('preflight', () => {
  it('finds a healthy model ready, and leaves it and S3 as they were', async () => {
    using rig = aBackupWorld();
    const { plan } = await check(rig.whole);
    assert.deepEqual(
      plan.databases.map(({ application, units }) => [application.name, units]),
      [
        ['kfp-db', 2],
        ['katib-db', 2],
      ],
    );
    assert.equal(plan.mlmd?.name, 'mlmd');
    assert.equal(plan.metadataWriter?.name, 'kfp-metadata-writer');
    assert.ok(rig.model.changes.every(({ kind }) => kind !== 'scale'));
    assert.equal(rig.target.objects.size, 0);
  });

  it('looks only at the components that a set consists of', async () => {
    using rig = aBackupWorld();
    const { plan, sources } = await check(
      { ...rig.whole, openSource: () => assert.fail('opened a bucket') },
      { components: ['kfp-db'] },
    );
    assert.equal(plan.databases.length, 1);
    assert.equal(plan.mlmd, undefined);
    assert.deepEqual(sources, []);
  });

  it('reports every problem, none of which hides the next', async () => {
    using rig = aBackupWorld();
    rig.model.setWorkload('mlmd/0', 'blocked', 'no storage');
    rig.target.failNext(
      'probe',
      new CharmError('store-bucket-missing', 'There is no bucket backups.'),
    );
    rig.kubernetes.addResources(
      { groupVersion: 'argoproj.io/v1alpha1', plural: 'workflows' },
      { namespace: 'alice', name: 'train', status: { phase: 'Running' } },
    );
    const { message } = await rejectsWithCode(
      check(rig.whole, { metadataWriterApplication: 'writer' }),
      'preflight-failed',
    );
    assert.match(message, /^4 problems .*nothing was changed/);
    assert.ok(message.length <= longestMessage, message);
    const codes = [
      'store-bucket-missing',
      'application-unhealthy',
      'application-missing',
      'workloads-running',
    ];
    for (const code of codes) assert.ok(message.includes(`[${code}]`), code);
    const lines = rig.progress.notes.filter((note) => /^\d\. /.test(note));
    assert.deepEqual(
      lines.map((line) => line.replace(/^(\d)\. .* (\[.*\])$/, '$1 $2')),
      codes.map((code, index) => `${index + 1} [${code}]`),
    );
  });

  it('says once that S3 is away, and nothing of databases that cannot reach it either', async () => {
    using rig = aBackupWorld();
    const why = 'S3 gave no answer.';
    for (const method of ['probe', 'list', 'get'] as const)
      rig.target.failNext(
        method,
        new CharmError('store-unreachable', `Could not ${method}: ${why}`, { why }),
        10,
      );
    rig.databases.katib.listingFailure = 'Failed to retrieve backup ids from S3';
    await rejectsWithCode(check(rig.whole), 'store-unreachable');
    assert.match(
      rig.progress.notes.join('\n'),
      /S3 is away for others too: katib-db cannot reach its S3 storage/,
    );
  });

  it('reports each connection that does not open', async () => {
    using rig = aBackupWorld();
    const away = (what: string) => () =>
      Promise.reject(new CharmError('store-unreachable', `${what} is away.`));
    await rejectsWithCode(
      check({
        ...rig.whole,
        openJuju: away('Juju'),
        openKubernetes: away('Kubernetes'),
        openTarget: away('S3'),
        openSource: away('MinIO'),
      }),
      'preflight-failed',
    );
    for (const what of ['Juju', 'Kubernetes', 'S3', 'MinIO'])
      assert.ok(rig.progress.notes.some((note) => note.includes(`${what} is away.`)));
  });

  it('says what an operator has to do before what passes by itself', async () => {
    using rig = aBackupWorld();
    const { message, problems } = await rejectsWithCode(
      check({
        ...rig.whole,
        openJuju: () => Promise.reject(new CharmError('juju-unreachable', 'Juju is away.')),
        openTarget: () => Promise.reject(new CharmError('relation-missing', 'There is no S3.')),
      }),
      'preflight-failed',
    );
    assert.match(message, /1\. There is no S3\. \[relation-missing\] .*also \[juju-unreachable\]/);
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['relation-missing', 'juju-unreachable'],
    );
  });

  it('does not take a bug for a problem', async () => {
    using rig = aBackupWorld();
    await assert.rejects(
      check({ ...rig.whole, openTarget: () => Promise.reject(new TypeError('bug')) }),
      TypeError,
    );
  });

  it('refuses a Juju user who may only read, with the command that mends it', async () => {
    using rig = aBackupWorld();
    const { message } = await rejectsWithCode(check(rig.worldWith('read')), 'juju-read-only');
    assert.match(message, /juju grant ckf-backup write kubeflow/);
  });

  it('refuses the target as source, whatever the two are called', async () => {
    using rig = aBackupWorld();
    await rejectsWithCode(
      check({ ...rig.whole, openSource: async (bucket) => sourceIn(rig.target, bucket) }),
      'source-is-target',
    );
    assert.equal(rig.target.objects.size, 0);
  });

  it('refuses a path of another model, unless it is taken over', async () => {
    using rig = aBackupWorld();
    rig.target.seed(
      'ckf/ckf-backup.json',
      JSON.stringify({ format: 1, model: { name: 'staging', uuid: 'other' }, generations: {} }),
    );
    await rejectsWithCode(check(rig.whole), 'prefix-claimed');
    const claimed = rig.target.objects.get('ckf/ckf-backup.json')?.bytes.toString();
    await check(rig.whole, {}, { takeOver: true });
    assert.equal(rig.target.objects.get('ckf/ckf-backup.json')?.bytes.toString(), claimed);
    const { message } = await rejectsWithCode(
      checkAndMove(rig.whole, { takeOver: true }),
      'database-path-moved',
    );
    assert.match(message, /kfp-db to ckf\/kfp-db-2, katib-db to ckf\/katib-db-2/);
    await check(rig.whole);
  });

  it('does not take a path over while its clock is wrong, and says by how much', async () => {
    using rig = aBackupWorld();
    rig.target.seed(
      'ckf/ckf-backup.json',
      JSON.stringify({ format: 1, model: { name: 'staging', uuid: 'other' }, generations: {} }),
    );
    const before = [...rig.target.objects.keys()];
    const clock = {
      now: () => new Date(rig.clock.now().getTime() - 600_000),
      sleep: (milliseconds: number, signal?: AbortSignal) => rig.clock.sleep(milliseconds, signal),
    };
    const { message } = await rejectsWithCode(
      check({ ...rig.whole, clock }, {}, { takeOver: true }),
      'clock-wrong',
    );
    assert.match(message, /The clock of this unit is 10m0s behind that of the S3 server/);
    assert.deepEqual([...rig.target.objects.keys()], before);
  });

  it('goes on while workloads run, when it is allowed to, and knows them', async () => {
    using rig = aBackupWorld();
    rig.kubernetes.addResources(
      { groupVersion: 'kubeflow.org/v1beta1', plural: 'experiments' },
      { namespace: 'carol', name: 'tune' },
    );
    await rejectsWithCode(check(rig.whole), 'workloads-running');
    const { running } = await check(rig.whole, {}, { allowRunning: true });
    assert.deepEqual(running, ['Experiment carol/tune (not finished)']);
  });

  it('says how to give a database a path of its own when its path is claimed', async () => {
    using rig = aBackupWorld();
    rig.model.setApplicationStatus(
      'katib-db',
      'blocked',
      'S3 repository claimed by another cluster',
    );
    const { message } = await rejectsWithCode(checkAndMove(rig.whole), 'database-claimed');
    assert.match(message, /juju integrate ckf-backup/);
  });

  it('refuses a database with a member that is not online', async () => {
    using rig = aBackupWorld();
    rig.databases.kfp.states.set('kfp-db/0', 'offline');
    await rejectsWithCode(check(rig.whole), 'database-unhealthy');
  });

  it('refuses an application that has no action create-backup', async () => {
    using rig = aBackupWorld();
    rig.model.addApplication({ name: 'postgresql', charm: 'postgresql-k8s' });
    const { message } = await rejectsWithCode(
      check({
        ...rig.whole,
        relatedDatabase: async (name) => (name === 'kfp-db' ? 'postgresql' : name),
      }),
      'application-unequipped',
    );
    assert.match(message, /create-backup, list-backups, get-cluster-status/);
  });

  it('refuses an application whose scale is changing', async () => {
    using rig = aBackupWorld();
    rig.model.change(({ applications }) => {
      applications['mlmd']!.scheduling = 'absent';
    });
    rig.model.setScale('mlmd', 2);
    await rejectsWithCode(check(rig.whole), 'application-unhealthy');
  });

  it('has nothing to stop when the metadata writer is stopped already', async () => {
    using rig = aBackupWorld();
    rig.model.setScale('kfp-metadata-writer', 0);
    await rig.model.settled('kfp-metadata-writer');
    const { plan } = await check(rig.whole);
    assert.equal(plan.metadataWriter, undefined);
  });

  it('warns of a writer without a unit, and of a database with two, and tells the scale that a dead backup had found', async () => {
    using rig = aBackupWorld();
    rig.model.setScale('kfp-metadata-writer', 0);
    rig.model.setScale('kfp-db', 2);
    rig.model.setScale('katib-db', 3);
    for (const name of ['kfp-metadata-writer', 'kfp-db', 'katib-db']) await rig.model.settled(name);
    const { warnings } = await check(rig.whole);
    assert.equal(warnings.length, 2);
    assert.match(warnings[0]!, /^kfp-db has 2 units, as it has while it is backed up/);
    assert.match(warnings[1]!, /^kfp-metadata-writer has no unit, .*kfp-metadata-writer 1$/);
    const { mark } = await reserveId(rig.target, layoutOf('ckf'), new Date(), {
      scales: [
        { application: 'kfp-metadata-writer', scale: 4, changedTo: 0 },
        { application: 'katib-db', scale: 1, changedTo: 2 },
      ],
    });
    const { warnings: known } = await check(rig.whole);
    assert.match(known[1]!, /it had 4 before\. juju scale-application kfp-metadata-writer 4$/);
    assert.equal(known.length, 2);
    rig.target.seed(mark, 'of another revision');
    assert.deepEqual((await check(rig.whole)).warnings, warnings);
  });

  it('does not start on top of a scale that could not be put back', async () => {
    using rig = aBackupWorld();
    await rig.journal.record({
      application: 'kfp-db',
      scale: 1,
      changedTo: 2,
      since: '2026-11-21T20:00:00Z',
    });
    const { message } = await rejectsWithCode(check(rig.whole), 'scale-refused');
    assert.match(message, /juju scale-application kfp-db 1/);
  });

  it('closes what it opened when it fails', async () => {
    using rig = aBackupWorld();
    let closed = false;
    rig.model.setWorkload('mlmd/0', 'error', 'hook failed');
    const openKubernetes: World['openKubernetes'] = async () =>
      Object.assign(rig.kubernetes, {
        [Symbol.asyncDispose]: async () => {
          closed = true;
        },
      });
    await rejectsWithCode(check({ ...rig.whole, openKubernetes }), 'application-unhealthy');
    assert.ok(closed);
  });
});
