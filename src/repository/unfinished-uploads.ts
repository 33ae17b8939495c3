import { hasCode } from '../errors.ts';
import type { ObjectStore } from '../world.ts';
import { backupIdAt, type Layout } from './layout.ts';

/**
 * Aborts every upload in parts below a prefix that was never completed. Their parts take up room
 * and are of no use. Only one operation works on a path at a time, so an upload that is found there
 * is dead.
 */
export const abortUploads = async (store: ObjectStore, prefix: string): Promise<void> => {
  try {
    for await (const { key, uploadId } of store.unfinishedUploads(prefix))
      await store.abortUpload(key, uploadId);
  } catch (error) {
    // Some servers and policies do not let us list them. They cost only space, so no operation
    // fails for it.
    if (!hasCode(error, 'store-denied', 'store-refused')) throw error;
  }
};

/**
 * Aborts the unfinished uploads at every place where this charm writes in parts. The databases'
 * own places are left alone.
 */
export const abortAllUploads = async (
  store: ObjectStore,
  layout: Layout,
  buckets: readonly string[],
): Promise<void> => {
  const places = [
    layout.sets,
    folderOfDumps(layout),
    ...buckets.flatMap((bucket) => [layout.mirror(bucket), layout.history(bucket)]),
  ];
  for (const place of places) await abortUploads(store, place);
};

const folderOfDumps = (layout: Layout): string =>
  layout.mlmdDump(backupIdAt(new Date(0))).replace(/[^/]*$/, '');
