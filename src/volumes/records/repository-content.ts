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

/** Bytes that a repository takes in the bucket. */
export const repositorySize = async (
  store: ObjectStore,
  layout: Layout,
  repository: string,
): Promise<number> => {
  let bytes = 0;
  for await (const { size } of store.list(layout.repository(repository))) bytes += size;
  return bytes;
};
