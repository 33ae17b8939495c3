import { CharmError, hasCode } from '../errors.ts';
import { sum } from '../text.ts';
import type { Target } from '../world.ts';
import { isBackupId, type BackupId, layoutOf } from './layout.ts';
import type { BackupManifest, BucketBackup } from './manifest.ts';
import { parseManifest } from './stored-manifest.ts';

/** A set as it is listed: its manifest, or why that cannot be read. */
export type ListedSet = { readonly id: BackupId } & (
  | { readonly manifest: BackupManifest; readonly problem?: undefined }
  | { readonly manifest?: undefined; readonly problem: CharmError }
);

export interface SetPage {
  /** Newest first. */
  readonly sets: readonly ListedSet[];
  /** For the next page's `before`; undefined when this is the last page. */
  readonly next: BackupId | undefined;
}

/** So many manifests are read at a time. */
const concurrency = 16;

/**
 * The newest sets, or those older than `before`: from S3 alone, and without reading a manifest that
 * is not shown. A folder without a manifest is not a set. A set whose manifest cannot be read is
 * listed with that problem.
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

/** The ids that have a folder, newest first. Some of them may have no set. */
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
 * The manifest of a set, in one request. Rejects with `backup-missing` when there is no such set,
 * and with `manifest-invalid` when its manifest cannot be trusted, which includes that it is
 * another set's.
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
 * For each of these buckets, what is said of it in the newest set that has it. Sets whose manifest
 * cannot be read are skipped.
 */
export const newestOfBuckets = async (
  target: Target,
  buckets: readonly string[],
): Promise<ReadonlyMap<string, BucketBackup>> => {
  const newest = new Map<string, BucketBackup>();
  let before: BackupId | undefined;
  while (newest.size < new Set(buckets).size) {
    const page = await listSets(target, { limit: concurrency, ...(before && { before }) });
    for (const { manifest } of page.sets)
      for (const backup of manifest?.buckets ?? [])
        if (buckets.includes(backup.bucket) && !newest.has(backup.bucket))
          newest.set(backup.bucket, backup);
    before = page.next;
    if (before === undefined) break;
  }
  return newest;
};

/**
 * Whether there is any manifest below `sets/`, readable or not: another revision of the charm may
 * understand it, and the set needs its objects.
 */
export const hasAnySet = async ({ store, prefix }: Target): Promise<boolean> => {
  for await (const { key } of store.list(layoutOf(prefix).sets))
    if (key.endsWith('/manifest.json')) return true;
  return false;
};

/** The parts of a set, by which retention counts sets: `kfp-db`, `mlmd`, `mlpipeline/<bucket>`. */
export const heldParts = ({ databases, mlmd, buckets }: BackupManifest): readonly string[] => [
  ...databases.map(({ component }) => component),
  ...(mlmd ? ['mlmd'] : []),
  ...buckets.map(({ bucket }) => partOfBucket(bucket)),
];

export const partOfBucket = (bucket: string): string => `mlpipeline/${bucket}`;

/**
 * The bytes of each component of a set. A database with its own S3 storage is left out, because its
 * size is not known.
 */
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
