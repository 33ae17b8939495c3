import type { Layout } from '../../repository/layout.ts';
import type { ObjectStore } from '../../world.ts';

/*
 * What a repository of restic tells without its password: the names and sizes of its files in S3.
 */

/** The full ids of all snapshots, also of those that no session of ours has made. */
export const snapshotIds = async (
  store: ObjectStore,
  layout: Layout,
  repository: string,
): Promise<ReadonlySet<string>> => {
  const prefix = `${layout.repository(repository)}snapshots/`;
  const ids = new Set<string>();
  for await (const { key } of store.list(prefix)) ids.add(key.slice(prefix.length));
  return ids;
};

export interface RepositorySize {
  readonly bytes: number;
  /** Files that are no packs: restic and we read them one by one. */
  readonly others: number;
}

/** What a repository takes in the bucket. */
export const repositorySize = async (
  store: ObjectStore,
  layout: Layout,
  repository: string,
): Promise<RepositorySize> => {
  const prefix = layout.repository(repository);
  let [bytes, others] = [0, 0];
  for await (const { key, size } of store.list(prefix)) {
    bytes += size;
    if (!key.startsWith(`${prefix}data/`)) others += 1;
  }
  return { bytes, others };
};
