import type { Layout } from '../../repository/layout.ts';
import type { ObjectStore } from '../../world.ts';
import { repositorySize, snapshotIds } from '../records/repository-content.ts';
import { type RepositoryRecord, allRepositories } from './repositories.ts';
import {
  type RepositoryCheck,
  foundDamaged,
  newestCheck,
  readState,
} from '../records/repository-state.ts';
import { surveyBackups } from '../records/survey-backups.ts';

/** How one repository stands. */
export interface RepositoryStatus {
  readonly record: RepositoryRecord;
  /** What checks found; `unknown`: nobody has looked. */
  readonly integrity: 'intact' | 'damaged' | 'unknown';
  /** The damage, or the newest check; undefined when nobody has looked. */
  readonly check: RepositoryCheck | undefined;
  /** Bytes that it takes in the bucket. */
  readonly size: number;
  readonly volumes: number;
  /** Backups that can be restored. */
  readonly snapshots: number;
  /** Snapshots that no session of ours has made; a user can make some. */
  readonly unknownSnapshots: number;
  /** ISO 8601; undefined when there is no backup. */
  readonly lastSuccess: string | undefined;
}

/** Reads S3 only: what lies there, and what the records of sessions say. By name. */
export const repositoryStatuses = async (
  store: ObjectStore,
  layout: Layout,
): Promise<readonly RepositoryStatus[]> => {
  const { repositories } = await surveyBackups(store, layout);
  const statuses: RepositoryStatus[] = [];
  for (const record of await allRepositories(store, layout)) {
    const { name } = record;
    const state = await readState(store, layout, name);
    const damage = foundDamaged(state);
    const check = damage ?? newestCheck(state.checks);
    const { backups, unforgotten } = repositories.get(name) ?? { backups: [], unforgotten: [] };
    const known = new Set([...backups, ...unforgotten].map(({ volume }) => volume.snapshot));
    const ids = await snapshotIds(store, layout, name);
    statuses.push({
      record,
      integrity: damage ? 'damaged' : check ? 'intact' : 'unknown',
      check,
      size: (await repositorySize(store, layout, name)).bytes,
      volumes: new Set(backups.map(({ volume }) => `${volume.namespace}/${volume.claim}`)).size,
      snapshots: backups.filter(({ volume }) => ids.has(volume.snapshot)).length,
      unknownSnapshots: [...ids].filter((id) => !known.has(id)).length,
      lastSuccess: backups.find(({ volume }) => volume.phase === 'Succeeded')?.started,
    });
  }
  return statuses;
};
