import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type S3Server, startS3Server, testUser } from '../servers/s3/server.ts';
import { createModel, type Model } from './model.ts';
import { addMysql, type MysqlApplication } from './mysql-k8s.ts';
import { changeRows, rowsOf } from './mysql/data-file.ts';
import { mysqlProfiles, type MysqlProfileName } from './mysql/profiles.ts';

interface Rig extends AsyncDisposable {
  readonly model: Model;
  readonly server: S3Server;
  readonly database: MysqlApplication;
  readonly databag: Readonly<Record<string, string>>;
  /** Another application of the same model. */
  add(application: string): MysqlApplication;
  run(
    unit: string,
    action: string,
    parameters?: object,
  ): Promise<{ status: string; said: string; results: Readonly<Record<string, unknown>> }>;
}

const openRig = async (profile: MysqlProfileName, units = 1): Promise<Rig> => {
  const directory = mkdtempSync(join(tmpdir(), 'mysql-'));
  const server = await startS3Server({ buckets: ['backups'] });
  const model = createModel({ pace: 1 });
  const add = (application: string) =>
    addMysql(model, {
      ...{ application, units, pace: 1, database: 'katib', profile: mysqlProfiles[profile] },
      directory: join(directory, application),
    });
  const database = add('kfp-db');
  const databag = {
    ...{ bucket: 'backups', path: 'here/kfp-db', endpoint: server.url },
    ...{ 'access-key': testUser.accessKey, 'secret-key': testUser.secretKey },
  };
  await database.s3Changed(databag);
  return {
    ...{ model, server, database, databag, add },
    async run(unit, action, parameters = {}) {
      const task = await model.ended(model.enqueue(unit, action, { ...parameters }).id);
      return { status: task.status, said: task.message, results: task.output };
    },
    async [Symbol.asyncDispose]() {
      model.stop();
      await server[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true });
    },
  };
};

const scaleUp = async ({ model }: Rig, units: number): Promise<void> => {
  model.setScale('kfp-db', units);
  await model.settled('kfp-db');
};

describe('mysql-k8s in the box', () => {
  it('takes one or two healthy members for unhealthy from revision 300 on, unless it is forced', async () => {
    await using it = await openRig('8.0-344');
    assert.equal(
      (await it.run('kfp-db/0', 'create-backup')).said,
      'Cluster is not in a healthy state',
    );
    await scaleUp(it, 2);
    assert.equal(
      (await it.run('kfp-db/1', 'create-backup')).said,
      'Cluster is not in a healthy state',
    );
    assert.equal((await it.run('kfp-db/1', 'create-backup', { force: true })).status, 'completed');
    await scaleUp(it, 3);
    assert.equal((await it.run('kfp-db/2', 'create-backup')).status, 'completed');
    assert.equal(
      (await it.run('kfp-db/0', 'create-backup')).said,
      'Unit cannot perform backups as it is the cluster primary',
    );
  });

  it('asks for no health and knows no force before revision 300', async () => {
    await using it = await openRig('8.0-240');
    assert.deepEqual(it.model.actions('kfp-db').get('create-backup')?.parameters, {});
    assert.equal((await it.run('kfp-db/0', 'create-backup')).status, 'completed');
  });

  it('lists a backup as it ended, and leaves the unit of a failed one as it is', async () => {
    await using it = await openRig('8.0-240');
    it.database.faults.uploadFails = true;
    assert.equal((await it.run('kfp-db/0', 'create-backup')).said, 'Error backing up the database');
    assert.equal(it.model.unit('kfp-db/0').workload.message, 'Running backup...');
    const { results } = await it.run('kfp-db/0', 'list-backups');
    assert.match(
      String(results['backups']),
      /^backup-id +\| backup-type +\| backup-status\n-{52}\n\S+Z +\| physical +\| failed$/,
    );
  });

  it('claims its path from revision 248 on, and refuses to write to that of another cluster', async () => {
    await using it = await openRig('8.0-255');
    const other = it.add('katib-db');
    await other.s3Changed(it.databag);
    assert.equal(
      it.model.application('katib-db').status?.message,
      'S3 repository claimed by another cluster',
    );
    assert.equal(
      (await it.run('katib-db/0', 'create-backup')).said,
      'S3 relation is blocked for write',
    );
    await other.s3Changed({ ...it.databag, path: 'here/katib-db' });
    assert.equal((await it.run('katib-db/0', 'create-backup')).status, 'completed');
  });

  it('brings every row back, in one unit only, and then wants another path', async () => {
    await using it = await openRig('8.0-255');
    const before = rowsOf(it.database.dataFile);
    const { results } = await it.run('kfp-db/0', 'create-backup');
    changeRows(it.database.dataFile, 'DELETE FROM observation_logs');
    await scaleUp(it, 2);
    assert.match(
      (await it.run('kfp-db/0', 'restore', { 'backup-id': results['backup-id'] })).said,
      /more than one units/,
    );
    await scaleUp(it, 1);
    assert.equal(
      (await it.run('kfp-db/0', 'restore', { 'backup-id': '2020-01-01T00:00:00Z' })).said,
      'Invalid backup-id: 2020-01-01T00:00:00Z',
    );
    const restored = await it.run('kfp-db/0', 'restore', { 'backup-id': results['backup-id'] });
    assert.equal(restored.results['completed'], 'ok');
    assert.deepEqual(rowsOf(it.database.dataFile), before);
    assert.equal(
      it.model.application('kfp-db').status?.message,
      'Move restored cluster to another S3 repository',
    );
    await it.database.s3Changed({ ...it.databag, path: 'here/kfp-db-2' });
    assert.equal((await it.run('kfp-db/0', 'create-backup')).status, 'completed');
  });

  it('tells its cluster as a lower-cased map in 8.0 and as JSON text in 8.4', async () => {
    await using old = await openRig('8.0-344');
    const { status } = (await old.run('kfp-db/0', 'get-cluster-status')).results;
    assert.equal(JSON.stringify(status), JSON.stringify(status).toLowerCase());
    assert.match(JSON.stringify(status), /"defaultreplicaset".*"ok_no_tolerance"/);
    await using current = await openRig('8.4', 3);
    const { results } = await current.run('kfp-db/0', 'get-cluster-status');
    assert.match(String(results['status']), /"defaultReplicaSet".*"status":"OK"/);
  });

  it('hands the primary to unit 0 when its unit leaves', async () => {
    await using it = await openRig('8.0-344', 2);
    const [first, second] = it.database.cluster.members;
    first!.role = 'SECONDARY';
    second!.role = 'PRIMARY';
    await scaleUp(it, 1);
    assert.equal(it.model.unit('kfp-db/0').workload.message, 'Primary');
  });
});
