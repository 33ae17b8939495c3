import { createHash } from 'node:crypto';
import type { ActionDefinition, ActionHandler } from '../model-core.ts';
import { clusterStatusResults } from './cluster-status.ts';
import { createBackup } from './create-backup.ts';
import { ActionFailed, type Database } from './database.ts';
import { listBackups } from './list-backups.ts';
import { restore } from './restore.ts';

/** The charm's actions, with the parameters that its revision declares. */
export const actionsOf = (
  database: Database,
): Readonly<Record<string, ActionHandler | ActionDefinition>> => ({
  'create-backup': {
    handler: action((unit, parameters) =>
      createBackup(database, unit, parameters['force'] === true),
    ),
    parameters: database.profile.checksHealth ? { force: { type: 'boolean', default: false } } : {},
  },
  'list-backups': action(() => listBackups(database)),
  restore: {
    handler: action((unit, parameters) => restore(database, unit, parameters)),
    parameters: {
      'backup-id': { type: 'string' },
      ...(database.profile.claimsPath && { 'restore-to-time': { type: 'string' } }),
    },
  },
  'get-cluster-status': action(async () => clusterStatusResults(database.cluster, database)),
  'get-password': action(async (_unit, { username = 'root' }) => ({
    username: String(username),
    password: passwordOf(database, String(username)),
  })),
});

/** A password of the database's own users. It never changes. */
export const passwordOf = ({ application }: Database, username: string): string =>
  createHash('sha256').update(`${application} ${username}`).digest('base64url').slice(0, 24);

const action =
  (
    run: (
      unit: string,
      parameters: Readonly<Record<string, unknown>>,
    ) => Promise<Readonly<Record<string, unknown>>>,
  ): ActionHandler =>
  async ({ unit, parameters }) => {
    try {
      return { results: await run(unit, parameters) };
    } catch (error) {
      if (error instanceof ActionFailed) return { results: {}, failed: error.message };
      throw error;
    }
  };
