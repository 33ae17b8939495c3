import { hasCode, CharmError } from '../errors.ts';
import type { Claim } from '../repository/claim.ts';
import { isBackupId, type BackupId, type Layout, isOwnObject } from '../repository/layout.ts';
import type { BackupManifest } from '../repository/manifest.ts';
import { signatureProblem } from '../repository/signature.ts';
import { partOfBucket, readSet } from '../repository/sets.ts';
import { readStarted, type StartedDatabase } from '../repository/started.ts';
import { parseManifest } from '../repository/stored-manifest.ts';
import type { ObjectStore, SigningKeys, StoredObject, Target } from '../world.ts';

/** A folder below `sets/`, and those of its objects that this charm wrote. */
export interface SetFolder {
  readonly id: BackupId;
  readonly objects: readonly StoredObject[];
}

/** A set that is listed. */
export interface CompleteSet extends SetFolder {
  /** The manifest, or why it cannot be read. */
  readonly manifest: BackupManifest | CharmError;
  /** When the manifest was written, by the clock of S3. */
  readonly committed: Date;
  /**
   * The parts (see `heldParts`) whose object list is missing or has another size: they cannot be
   * restored.
   */
  readonly damaged: readonly string[];
  /**
   * Why it may be somebody else's: its signature is missing or wrong. Undefined while sets are not
   * signed.
   */
  readonly distrusted: CharmError | undefined;
}

/**
 * The folder that a dead backup or an interrupted removal left. After a removal it has the manifest
 * of the set.
 */
export interface LeftFolder extends SetFolder {
  readonly manifest: BackupManifest | undefined;
  /** What databases had made for a backup that died. */
  readonly made: readonly StartedDatabase[];
}

export interface Survey {
  /** Newest first. */
  readonly complete: readonly CompleteSet[];
  readonly left: readonly LeftFolder[];
  readonly generations: Claim['generations'];
}

/**
 * Everything below `sets/`, with all manifests. A folder with a manifest is a set, even when its id
 * is later than now, because the clock of another unit may have been ahead. Folders without one
 * count only up to the id `until`. Memory grows with the number of sets, not of objects. Rejects
 * with `manifest-invalid` when there is a manifest under a name that is not an id.
 */
export const surveySets = async (
  target: Target,
  layout: Layout,
  {
    until,
    generations = {},
    keys,
  }: {
    readonly until: BackupId;
    readonly generations?: Claim['generations'] | undefined;
    readonly keys: SigningKeys | undefined;
  },
): Promise<Survey> => {
  const { folders, unknown } = await listFolders(target.store, layout);
  if (unknown[0] !== undefined) throw unknownSet(target.store, unknown[0]);
  const isComplete = ({ id, objects }: SetFolder): boolean =>
    objects.some(({ key }) => key === layout.manifest(id));
  const complete: CompleteSet[] = [];
  for (const some of batches(folders.filter(isComplete), 16))
    complete.push(
      ...(await Promise.all(some.map((folder) => readComplete(target, layout, folder, keys)))),
    );
  const left: LeftFolder[] = [];
  for (const folder of folders)
    if (!isComplete(folder) && folder.id <= until)
      left.push(await readLeft(target, layout, folder));
  return { complete: complete.reverse(), left, generations };
};

/**
 * In the order of their ids. `unknown` are the manifests of sets whose ids this revision of the
 * charm does not understand: nobody knows what such a set needs.
 */
export const listFolders = async (
  store: ObjectStore,
  layout: Layout,
): Promise<{ readonly folders: readonly SetFolder[]; readonly unknown: readonly string[] }> => {
  const folders = new Map<BackupId, StoredObject[]>();
  const unknown: string[] = [];
  for await (const object of store.list(layout.sets)) {
    const [id = '', ...names] = object.key.slice(layout.sets.length).split('/');
    const name = names.join('/');
    if (!isBackupId(id) && name === 'manifest.json') unknown.push(object.key);
    if (!isBackupId(id) || !isOwnObject(layout, id, object.key)) continue;
    const objects = folders.get(id) ?? [];
    folders.set(id, [...objects, object]);
  }
  return { folders: [...folders].map(([id, objects]) => ({ id, objects })), unknown };
};

const unknownSet = ({ description }: ObjectStore, key: string): CharmError =>
  new CharmError(
    'manifest-invalid',
    `${key} in ${description} is a set whose id this revision of the charm does not understand, so it is not known what it needs, and nothing was deleted.` +
      ' Use a newer revision of the charm when one wrote it; otherwise move it away.',
  );

const readComplete = async (
  target: Target,
  layout: Layout,
  folder: SetFolder,
  keys: SigningKeys | undefined,
): Promise<CompleteSet> => {
  const marker = folder.objects.find(({ key }) => key === layout.manifest(folder.id));
  const committed = marker?.lastModified ?? new Date(folder.id);
  try {
    const manifest = await readSet(target, folder.id);
    return {
      ...{ ...folder, committed, manifest, damaged: partsWithoutList(manifest, folder) },
      distrusted: signatureProblem(manifest, keys),
    };
  } catch (error) {
    if (!hasCode(error, 'manifest-invalid')) throw error;
    return { ...folder, committed, manifest: error, damaged: [], distrusted: undefined };
  }
};

const partsWithoutList = ({ buckets }: BackupManifest, { objects }: SetFolder): readonly string[] =>
  buckets
    .filter(({ list }) => !objects.some(({ key, size }) => key === list.key && size === list.size))
    .map(({ bucket }) => partOfBucket(bucket));

export const readLeft = async (
  { store }: Pick<Target, 'store'>,
  layout: Layout,
  folder: SetFolder,
): Promise<LeftFolder> => {
  const key = layout.removed(folder.id);
  const { databases: made } = await readStarted(store, layout, folder.id);
  if (!folder.objects.some((object) => object.key === key))
    return { ...folder, made, manifest: undefined };
  try {
    const manifest = parseManifest((await store.read(key)).toString('utf8'), key);
    return { ...folder, made, manifest: manifest.id === folder.id ? manifest : undefined };
  } catch (error) {
    if (!hasCode(error, 'manifest-invalid', 'object-missing')) throw error;
    return { ...folder, made, manifest: undefined };
  }
};

function* batches<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}
