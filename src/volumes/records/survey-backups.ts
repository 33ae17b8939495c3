import type { Layout } from '../../repository/layout.ts';
import type { ObjectStore } from '../../world.ts';
import { repositoryName } from './names.ts';
import { type VolumeRecord, sessions } from './session-record.ts';
import type { StoredBackup } from './stored-backups.ts';

/** What the records of all sessions say of one repository. */
export interface RepositoryBackups {
  /** Newest first. */
  readonly backups: readonly StoredBackup[];
  /** Those that were removed, and whose snapshots may still be there. */
  readonly unforgotten: readonly StoredBackup[];
}

export interface BackupSurvey {
  /** By repository. */
  readonly repositories: ReadonlyMap<string, RepositoryBackups>;
  /** The id of the newest session; undefined when there is none. */
  readonly newest: string | undefined;
}

/**
 * Reads the records of all sessions. What is removed is decided by them alone: a user can put
 * snapshots with any date and name into the own repository, and none into a record. Everybody who
 * can write to the bucket can write a record, so names that this charm would not give are left out.
 */
export const surveyBackups = async (store: ObjectStore, layout: Layout): Promise<BackupSurvey> => {
  const repositories = new Map<string, { backups: StoredBackup[]; unforgotten: StoredBackup[] }>();
  let newest: string | undefined;
  for await (const { id, kind, started, finished = started, volumes } of sessions(store, layout)) {
    newest ??= id;
    if (kind !== 'backup') continue;
    for (const volume of volumes) {
      const { repository, removed, forgotten } = volume;
      if (!isStored(volume) || repository === undefined) continue;
      const found = repositories.get(repository) ?? { backups: [], unforgotten: [] };
      repositories.set(repository, found);
      const backup = { session: id, started, finished, volume: { ...volume, repository } };
      if (removed === undefined) found.backups.push(backup);
      else if (forgotten !== true) found.unforgotten.push(backup);
    }
  }
  return { repositories, newest };
};

const isStored = (volume: VolumeRecord): volume is VolumeRecord & { readonly snapshot: string } =>
  /^[0-9a-f]{64}$/.test(volume.snapshot ?? '') &&
  isRepositoryOf(volume.namespace, volume.repository ?? '');

/** Whether a namespace can have a repository of this name. */
export const isRepositoryOf = (namespace: string, repository: string): boolean => {
  const generation = Number(repository.slice(namespace.length + 1) || 1);
  return (
    /^[a-z0-9][a-z0-9-]*$/.test(namespace) &&
    Number.isInteger(generation) &&
    repositoryName(namespace, generation) === repository
  );
};
