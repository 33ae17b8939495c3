import { hasCode } from '../errors.ts';
import type { Target } from '../world.ts';
import { isBackupId } from './backup-id.ts';
import type { Layout } from './layout.ts';
import { readManifest, type BackupManifest } from './manifest.ts';

/**
 * The newest set that is complete and can be read; undefined when there is none. Sets without a manifest are no backups, and one
 * whose manifest is damaged says nothing that could be relied on.
 */
export const findLastSet = async (
  { store }: Target,
  layout: Layout,
): Promise<BackupManifest | undefined> => {
  const ids: string[] = [];
  for await (const prefix of store.listPrefixes(layout.sets)) {
    ids.push(prefix.slice(layout.sets.length, -1));
  }
  for (const id of ids.filter(isBackupId).toSorted().reverse()) {
    try {
      return await readManifest(store, layout.manifest(id));
    } catch (error) {
      if (!hasCode(error, 'backup-missing', 'manifest-invalid')) throw error;
    }
  }
  return undefined;
};
