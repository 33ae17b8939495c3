import { isBackupId, type BackupId } from '../backup/backup-id.ts';
import { layoutOf } from '../backup/layout.ts';
import type { BackupManifest } from '../backup/manifest.ts';
import { CharmError, hasCode } from '../errors.ts';
import type { Target } from '../world.ts';
import { readSet } from './read-set.ts';

/** A set as it is listed: its manifest, or why that cannot be read. */
export type ListedSet = { readonly id: BackupId } & (
  | { readonly manifest: BackupManifest; readonly problem?: undefined }
  | { readonly manifest?: undefined; readonly problem: CharmError }
);

export interface SetPage {
  /** Newest first. */
  readonly sets: readonly ListedSet[];
  /** For the next page's `before`; undefined when there is certainly none. */
  readonly next: BackupId | undefined;
}

/** So many manifests are read at a time. */
const concurrency = 16;

/**
 * The newest sets, or those older than `before`: from S3 alone, and without reading a manifest that is not shown. A folder without a
 * manifest is no set. A manifest that cannot be read is shown as such.
 */
export const listSets = async (
  target: Target,
  { limit, before }: { readonly limit: number; readonly before?: BackupId },
): Promise<SetPage> => {
  const ids = (await folderIds(target)).filter((id) => before === undefined || id < before);
  const sets: ListedSet[] = [];
  let next = 0;
  while (sets.length < limit && next < ids.length) {
    const some = ids.slice(next, next + Math.min(concurrency, limit - sets.length));
    const read = await Promise.all(some.map((id) => readListed(target, id)));
    sets.push(...read.filter((set) => set !== undefined));
    next += some.length;
  }
  return { sets, next: next < ids.length ? ids[next - 1] : undefined };
};

/** The ids that have a folder, newest first; not every one of them is a set. */
const folderIds = async ({ store, prefix }: Target): Promise<BackupId[]> => {
  const { sets } = layoutOf(prefix);
  const ids: BackupId[] = [];
  for await (const folder of store.listPrefixes(sets)) {
    const id = folder.slice(sets.length, -1);
    if (isBackupId(id)) ids.push(id);
  }
  return ids.sort().reverse();
};

const readListed = async (target: Target, id: BackupId): Promise<ListedSet | undefined> => {
  try {
    return { id, manifest: await readSet(target, id) };
  } catch (error) {
    if (hasCode(error, 'backup-missing')) return undefined;
    if (error instanceof CharmError) return { id, problem: error };
    throw error;
  }
};
