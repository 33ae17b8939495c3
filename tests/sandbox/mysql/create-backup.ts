import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterStatus, memberOf } from './cluster.ts';
import { ActionFailed, type Database } from './database.ts';
import { missingParameters, openRepository, type Repository } from './repository.ts';

/**
 * The charm's create-backup: its checks in their order, with their messages, and then the objects
 * that xtrabackup and xbcloud leave in S3. A failure after the checks leaves the unit at `Running
 * backup...`, as in life.
 */
export const createBackup = async (
  database: Database,
  unit: string,
  force: boolean,
): Promise<{ 'backup-id': string }> => {
  const { cluster, profile } = database;
  const parameters = checkedParameters(database);
  if (!(force && profile.checksHealth)) checkHealth(database, unit);
  using repository = openRepository(parameters);
  database.setUnitStatus(unit, 'maintenance', 'Running backup...');

  const id = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  try {
    await repository.put(`${id}.metadata`, metadata(database, unit, id));
  } catch {
    throw new ActionFailed('Failed to upload metadata to provided S3');
  }
  const member = memberOf(cluster, unit);
  const hides = database.plannedUnits() > 1;
  if (member !== undefined && hides) member.hidden = true;
  try {
    await sleep(database.pace + (database.faults.backupHangs ?? 0));
    await uploadData(database, repository, id);
  } finally {
    if (member !== undefined) member.hidden = false;
  }
  database.refresh();
  return { 'backup-id': id };
};

const checkedParameters = (database: Database): Readonly<Record<string, string>> => {
  const parameters = database.s3();
  if (parameters === undefined) throw new ActionFailed('Missing relation with S3 integrator charm');
  if (database.cluster.blocked !== '') throw new ActionFailed('S3 relation is blocked for write');
  if (database.faults.mysqldStopped === true) throw new ActionFailed('Process mysqld not running');
  const missing = missingParameters(parameters);
  if (missing.length > 0)
    throw new ActionFailed(
      `Missing S3 parameters: [${missing.map((name) => `'${name}'`).join(', ')}]`,
    );
  return parameters;
};

const checkHealth = (database: Database, unit: string): void => {
  const { cluster, profile } = database;
  if (profile.checksHealth && !['OK', 'OK_PARTIAL'].includes(clusterStatus(cluster).code))
    throw new ActionFailed('Cluster is not in a healthy state');
  const member = memberOf(cluster, unit);
  if (member?.state === 'RECOVERING') throw new ActionFailed('Unit is waiting to start or restart');
  if (cluster.members.some(({ hidden }) => hidden))
    throw new ActionFailed('Backup already in progress on another unit');
  if (member === undefined) throw new ActionFailed('Error obtaining member state');
  if (member.role === 'PRIMARY' && database.plannedUnits() > 1)
    throw new ActionFailed('Unit cannot perform backups as it is the cluster primary');
  if (member.state !== 'ONLINE')
    throw new ActionFailed(`Unit cannot perform backups as its state is ${member.state}`);
};

const metadata = ({ model, application }: Database, unit: string, id: string): string =>
  [
    `Date Backup Requested: ${id}`,
    `Model Name: ${model}`,
    `Application Name: ${application}`,
    `Unit Name: ${unit}`,
    'Juju Version: 3.6.14',
    '',
  ].join('\n');

const chunkSize = 64 * 1024;

const uploadData = async (
  database: Database,
  repository: Repository,
  id: string,
): Promise<void> => {
  const data = readFileSync(database.dataFile);
  const log = (outcome: string) =>
    repository.put(`${id}.backup.log`, `Stdout:\n\n\nStderr:\n${outcome}\n`);
  try {
    if (database.faults.uploadFails === true) throw new Error('xbcloud: S3 said no');
    for (let at = 0, chunk = 0; at < data.length; at += chunkSize, chunk++)
      await repository.put(chunkName(id, chunk), data.subarray(at, at + chunkSize));
    if (database.faults.markerMissing !== true)
      await repository.put(`${id}.md5`, `${createHash('md5').update(data).digest('hex')}  ${id}\n`);
  } catch (error) {
    await log(String(error)).catch(() => undefined);
    throw new ActionFailed('Error backing up the database', { cause: error });
  }
  await log('completed OK!').catch(() => {
    throw new ActionFailed('Error uploading logs to S3');
  });
};

/** xbcloud numbers the chunks of each file of the stream with twenty digits. */
export const chunkName = (id: string, chunk: number): string =>
  `${id}/data.ibd.${String(chunk).padStart(20, '0')}`;
