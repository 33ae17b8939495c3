import { isFields } from '../ports/fields.ts';
import type { ObjectStore } from '../world.ts';
import type { BackupId, Layout } from './layout.ts';
import { readText } from './read-text.ts';

/**
 * What the mark of a backup, `started.json`, tells of it, for those who find it when the backup has
 * died: the journal may lie with another unit, or be lost.
 */
export interface Started {
  readonly scales: readonly StartedScale[];
  /** The backups that databases have finished for it, under the paths that we gave them. */
  readonly databases: readonly StartedDatabase[];
}

/** A scale that the backup changes and puts back. */
export interface StartedScale {
  readonly application: string;
  readonly scale: number;
  readonly changedTo: number;
}

export interface StartedDatabase {
  readonly component: string;
  readonly path: string;
  /** A `databaseBackupId`, under its name in the manifest. */
  readonly backupId: string;
}

const nothing: Started = { scales: [], databases: [] };

/** Tells of nothing where there is no mark, or one that an earlier revision wrote. */
export const readStarted = async (
  store: ObjectStore,
  layout: Layout,
  id: BackupId,
): Promise<Started> => {
  const text = await readText(store, layout.started(id));
  if (text === undefined) return nothing;
  try {
    const value: unknown = JSON.parse(text);
    if (!isFields(value)) return nothing;
    const { scales, databases } = value;
    return {
      scales: Array.isArray(scales) ? scales.filter(isScale) : [],
      databases: Array.isArray(databases) ? databases.filter(isDatabase) : [],
    };
  } catch (error) {
    if (error instanceof SyntaxError) return nothing;
    throw error;
  }
};

const isScale = (value: unknown): value is StartedScale =>
  isFields(value) &&
  typeof value['application'] === 'string' &&
  Number.isSafeInteger(value['scale']) &&
  Number.isSafeInteger(value['changedTo']);

const isDatabase = (value: unknown): value is StartedDatabase =>
  isFields(value) &&
  [value['component'], value['path'], value['backupId']].every((text) => typeof text === 'string');
