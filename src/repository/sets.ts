import { parseManifest, readManifest } from './stored-manifest.ts';
import { CharmError, hasCode } from '../errors.ts';
import type { Target } from '../world.ts';
import { isBackupId, type BackupId, layoutOf, type Layout } from './layout.ts';
import { type BackupManifest } from './manifest.ts';

/** A set as it is listed: its manifest, or why that cannot be read. */
export type ListedSet = { readonly id: BackupId } & (
  | { readonly manifest: BackupManifest; readonly problem?: undefined }
  | { readonly manifest?: undefined; readonly problem: CharmError }
);

interface SetPage {
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

/**
 * The manifest of a set, in one request. Rejects with `backup-missing` when there is no such set, and with `manifest-invalid` when its
 * manifest cannot be trusted, which includes that it is another set's.
 */
export const readSet = async (target: Target, id: BackupId): Promise<BackupManifest> => {
  const { store, prefix, application } = target;
  const key = layoutOf(prefix).manifest(id);
  let text: string;
  try {
    text = (await store.read(key)).toString('utf8');
  } catch (error) {
    if (!hasCode(error, 'object-missing')) throw error;
    throw new CharmError(
      'backup-missing',
      `There is no backup set ${id} under ${prefix} in ${store.description}. See juju run ${application}/leader list-backups.`,
      { cause: error },
    );
  }
  try {
    const manifest = parseManifest(text, key);
    if (manifest.id === id) return manifest;
    throw new CharmError(
      'manifest-invalid',
      `${key} is the manifest of another set, ${manifest.id}, so it cannot be trusted.`,
    );
  } catch (error) {
    if (!hasCode(error, 'manifest-invalid')) throw error;
    throw new CharmError(
      'manifest-invalid',
      `${error.message} Nothing was changed. If a newer revision of the charm wrote it, use that one; if it is damaged, restore another set and remove this one:` +
        ` juju run ${application}/leader delete-backup backup-id=${id}`,
      { cause: error },
    );
  }
};

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

/** The bytes of each component of a set; a database with an S3 storage of its own is not known and left out. */
export const componentSizes = ({
  databases,
  mlmd,
  buckets,
}: BackupManifest): Readonly<Record<string, number>> => ({
  ...Object.fromEntries(
    databases.flatMap(({ component, size }) => (size === undefined ? [] : [[component, size]])),
  ),
  ...(mlmd && { mlmd: mlmd.size }),
  ...(buckets.length > 0 && { mlpipeline: sum(buckets.map(({ size }) => size)) }),
});

/** The bytes that a restore of the whole set reads. Sets share most of them. */
export const setSize = (manifest: BackupManifest): number =>
  sum(Object.values(componentSizes(manifest)));

const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0);
