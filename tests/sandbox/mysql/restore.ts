import { randomUUID } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { chunkName } from './create-backup.ts';
import { memberOf } from './cluster.ts';
import { ActionFailed, type Database } from './database.ts';
import { missingParameters, openRepository, type Repository } from './repository.ts';

/**
 * The charm's restore: the data become what the backup holds, and the cluster is created again, so
 * that its S3 path now belongs to a group that no longer exists and the application asks for
 * another one.
 */
export const restore = async (
  database: Database,
  unit: string,
  parameters: Readonly<Record<string, unknown>>,
): Promise<{ completed: string }> => {
  const s3 = database.s3();
  if (s3 === undefined) throw new ActionFailed('Missing relation with S3 integrator charm');
  const id = parameters['backup-id'];
  if (typeof id !== 'string' || id === '') throw new ActionFailed('Missing backup-id to restore');
  if (database.faults.mysqldStopped === true)
    throw new ActionFailed('Server running mysqld is not connectable');
  const member = memberOf(database.cluster, unit);
  if (member?.state === 'RECOVERING') throw new ActionFailed('Unit is waiting to start or restart');
  if (database.plannedUnits() > 1)
    throw new ActionFailed(
      'Unit cannot restore backup as there are more than one units in the cluster',
    );
  const missing = missingParameters(s3);
  if (missing.length > 0)
    throw new ActionFailed(
      `Missing S3 parameters: [${missing.map((name) => `'${name}'`).join(', ')}]`,
    );
  using repository = openRepository(s3);
  if ((await repository.read(`${id}.md5`)) === undefined)
    throw new ActionFailed(`Invalid backup-id: ${id}`);

  database.setUnitStatus(unit, 'maintenance', 'Downloading backup...');
  const data = await download(repository, id);
  database.setUnitStatus(unit, 'maintenance', 'Restoring backup...');
  await sleep(database.pace);
  writeFileSync(`${database.dataFile}.restored`, data);
  renameSync(`${database.dataFile}.restored`, database.dataFile);

  const { cluster, profile } = database;
  cluster.groupId = randomUUID();
  cluster.members = [{ unit, role: 'PRIMARY', state: 'ONLINE', hidden: false }];
  if (profile.claimsPath) cluster.blocked = 'Move restored cluster to another S3 repository';
  database.refresh();
  return { completed: 'ok' };
};

const download = async (repository: Repository, id: string): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  const names = await repository.names(`${id}/`);
  for (const [index] of names.entries()) {
    const chunk = await repository.read(chunkName(id, index));
    if (chunk === undefined) throw new ActionFailed(`Failed to retrieve backup ${id}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};
