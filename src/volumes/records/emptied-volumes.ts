import type { Layout } from '../../repository/layout.ts';
import { countText } from '../../text.ts';
import type { ObjectStore } from '../../world.ts';
import { type VolumeRecord, noFiles } from './session-record.ts';
import { type StoredBackup, allBackups } from './stored-backups.ts';

/**
 * The records of volumes, of which those that have no files, while an earlier backup has some, are
 * skipped: somebody may have deleted all by mistake, and nothing without files may push the backups
 * out that have them. What was stored of such a volume, its folders, is no backup, and goes with
 * the next that are removed. Sessions are read only when a volume has no files.
 */
export const skipEmptied = async (
  {
    store,
    layout,
    now,
  }: { readonly store: ObjectStore; readonly layout: Layout; readonly now: Date },
  volumes: readonly VolumeRecord[],
): Promise<readonly VolumeRecord[]> => {
  const missing = new Set(volumes.filter(isEmpty).map(nameOf));
  const filled = new Map<string, StoredBackup>();
  if (missing.size > 0)
    for await (const backup of allBackups(store, layout)) {
      const name = nameOf(backup.volume);
      if ((backup.volume.files ?? 0) > 0 && missing.delete(name)) filled.set(name, backup);
      if (missing.size === 0) break;
    }
  return volumes.map((record) => {
    const earlier = isEmpty(record) ? filled.get(nameOf(record)) : undefined;
    if (earlier === undefined) return record;
    const had = countText(earlier.volume.files ?? 0, 'file');
    return {
      ...record,
      phase: 'Skipped',
      reason: `It has no files any more. The backup ${earlier.session} has ${had}, and stays: if they were not meant to go, restore it.`,
      ...(record.snapshot !== undefined && { removed: now.toISOString() }),
    };
  });
};

const isEmpty = ({ phase, reason, files }: VolumeRecord): boolean =>
  phase === 'Succeeded' ? files === 0 : reason === noFiles;

const nameOf = ({ namespace, claim }: Pick<VolumeRecord, 'namespace' | 'claim'>): string =>
  `${namespace}/${claim}`;
