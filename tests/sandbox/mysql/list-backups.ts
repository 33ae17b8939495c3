import { ActionFailed, type Database } from './database.ts';
import { missingParameters, openRepository } from './repository.ts';

/**
 * The charm's list-backups: one text table of everything that lies at the path, also what another
 * cluster made.
 */
export const listBackups = async (database: Database): Promise<{ backups: string }> => {
  const parameters = database.s3();
  if (parameters === undefined) throw new ActionFailed('Missing relation with S3 integrator charm');
  const missing = missingParameters(parameters);
  if (missing.length > 0)
    throw new ActionFailed(
      `Missing S3 parameters: [${missing.map((name) => `'${name}'`).join(', ')}]`,
    );
  // The charm reads the last character of the path, so that an empty one is an IndexError.
  if ((parameters['path'] ?? '') === '')
    throw new ActionFailed('Failed to retrieve backup ids from S3');
  using repository = openRepository(parameters);
  const names = await repository.names('').catch((error: unknown) => {
    throw new ActionFailed(
      error instanceof Error && error.name === 'NoSuchBucket'
        ? `Bucket ${parameters['bucket'] ?? ''} does not exist`
        : 'Failed to retrieve backup ids from S3',
      { cause: error },
    );
  });
  return { backups: table(names) };
};

const table = (names: readonly string[]): string => {
  const rows = names
    .filter((name) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\.metadata$/.test(name))
    .map((name) => name.replace('.metadata', ''))
    .map((id) => row(id, 'physical', statusOf(id, names)));
  return [row('backup-id', 'backup-type', 'backup-status'), '-'.repeat(52), ...rows].join('\n');
};

const row = (id: string, type: string, status: string): string =>
  `${id.padEnd(21)} | ${type.padEnd(12)} | ${status}`;

const statusOf = (id: string, names: readonly string[]): string => {
  if (names.includes(`${id}.md5`)) return 'finished';
  return names.includes(`${id}.backup.log`) ? 'failed' : 'in progress';
};
