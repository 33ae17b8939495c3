import { CharmError, hasCode } from '../errors.ts';
import { openCheckedList } from '../repository/checked-list.ts';
import { partOfBucket } from '../repository/sets.ts';
import type { ObjectStore, Target } from '../world.ts';
import type { CompleteSet } from './survey.ts';

/**
 * The parts of a set (see `heldParts`) that certainly cannot be restored: an object list that is
 * missing or not the one of the manifest, a dump that is missing or of another size, a database
 * backup without the `.md5` that mysql-k8s writes last. Reads the object lists.
 */
export const damagedParts = async (
  { store }: Target,
  { manifest }: CompleteSet,
): Promise<readonly string[]> => {
  if (manifest instanceof CharmError) return [];
  const damaged: string[] = [];
  for (const { component, path, backupId: databaseBackupId } of manifest.databases)
    if (path !== undefined && (await store.head(`${path}/${databaseBackupId}.md5`)) === undefined)
      damaged.push(component);
  const { mlmd } = manifest;
  if (mlmd && (await store.head(mlmd.key))?.size !== mlmd.size) damaged.push('mlmd');
  for (const { bucket, list } of manifest.buckets)
    if (!(await isReadable(store, list))) damaged.push(partOfBucket(bucket));
  return damaged;
};

const isReadable = async (
  store: ObjectStore,
  list: Parameters<typeof openCheckedList>[1],
): Promise<boolean> => {
  const lines = openCheckedList(store, list);
  try {
    while ((await lines.next()).done !== true);
    return true;
  } catch (error) {
    if (hasCode(error, 'manifest-invalid')) return false;
    throw error;
  }
};
