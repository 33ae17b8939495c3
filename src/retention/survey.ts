import { parseManifest } from '../repository/stored-manifest.ts';
import { isBackupId, type BackupId, type Layout } from '../repository/layout.ts';
import type { Claim } from '../repository/claim.ts';
import { type BackupManifest } from '../repository/manifest.ts';
import { hasCode, type CharmError } from '../errors.ts';
import { readSet } from '../repository/sets.ts';
import type { ObjectStore, StoredObject, Target } from '../world.ts';

/** A folder below `sets/`, and those of its objects that this charm wrote. */
export interface SetFolder {
  readonly id: BackupId;
  readonly objects: readonly StoredObject[];
}

/** A set that is listed. */
export interface CompleteSet extends SetFolder {
  /** Or why it cannot be read. */
  readonly manifest: BackupManifest | CharmError;
  /** When the manifest was written, by the clock of S3. */
  readonly committed: Date;
}

/** What a backup that died left, or a removal that was interrupted; the latter tells what the set consisted of. */
export interface LeftFolder extends SetFolder {
  readonly manifest: BackupManifest | undefined;
}

export interface Survey {
  /** Newest first. */
  readonly complete: readonly CompleteSet[];
  readonly left: readonly LeftFolder[];
  readonly generations: Claim['generations'];
}

/** A copy of the manifest of a set that is being removed, by which an interrupted removal is finished. */
export const tombstone = (layout: Layout, id: BackupId): string => `${layout.set(id)}removed.json`;

/** A set's own objects; others in its folder are not ours. */
const ownName = /^(manifest\.json|removed\.json|started\.json|failed\.ndjson|[^/]+\.ndjson\.gz)$/;

/** Everything below `sets/` of ids up to `until`, with all manifests. Its size grows with the number of sets, not with that of objects. */
export const surveySets = async (
  target: Target,
  layout: Layout,
  until: BackupId,
  generations: Claim['generations'] = {},
): Promise<Survey> => {
  const folders = (await listFolders(target.store, layout)).filter(({ id }) => id <= until);
  const isComplete = ({ id, objects }: SetFolder): boolean =>
    objects.some(({ key }) => key === layout.manifest(id));
  const complete: CompleteSet[] = [];
  for (const some of batches(folders.filter(isComplete), 16))
    complete.push(
      ...(await Promise.all(some.map((folder) => readComplete(target, layout, folder)))),
    );
  const left: LeftFolder[] = [];
  for (const folder of folders)
    if (!isComplete(folder)) left.push(await readLeft(target, layout, folder));
  return { complete: complete.reverse(), left, generations };
};

/** In the order of their ids. */
export const listFolders = async (store: ObjectStore, layout: Layout): Promise<SetFolder[]> => {
  const folders = new Map<BackupId, StoredObject[]>();
  for await (const object of store.list(layout.sets)) {
    const [id = '', ...name] = object.key.slice(layout.sets.length).split('/');
    if (!isBackupId(id) || !ownName.test(name.join('/'))) continue;
    const objects = folders.get(id) ?? [];
    folders.set(id, [...objects, object]);
  }
  return [...folders].map(([id, objects]) => ({ id, objects }));
};

const readComplete = async (
  target: Target,
  layout: Layout,
  folder: SetFolder,
): Promise<CompleteSet> => {
  const marker = folder.objects.find(({ key }) => key === layout.manifest(folder.id));
  const committed = marker?.lastModified ?? new Date(folder.id);
  try {
    return { ...folder, committed, manifest: await readSet(target, folder.id) };
  } catch (error) {
    if (!hasCode(error, 'manifest-invalid')) throw error;
    return { ...folder, committed, manifest: error };
  }
};

const readLeft = async (
  { store }: Target,
  layout: Layout,
  folder: SetFolder,
): Promise<LeftFolder> => {
  const key = tombstone(layout, folder.id);
  if (!folder.objects.some((object) => object.key === key))
    return { ...folder, manifest: undefined };
  try {
    const manifest = parseManifest((await store.read(key)).toString('utf8'), key);
    return { ...folder, manifest: manifest.id === folder.id ? manifest : undefined };
  } catch (error) {
    if (!hasCode(error, 'manifest-invalid', 'object-missing')) throw error;
    return { ...folder, manifest: undefined };
  }
};

function* batches<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
