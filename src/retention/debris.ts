import type { BackupId, Layout } from '../repository/layout.ts';
import { abortAllUploads } from '../repository/unfinished-uploads.ts';
import type { Target } from '../world.ts';
import { listFolders, type SetFolder } from './survey.ts';

interface DebrisOptions {
  /** The id of the operation that is running. Folders of later ids are left alone. */
  readonly olderThan: BackupId;
  /** The source buckets, whose mirrors may have unfinished uploads. */
  readonly buckets: readonly string[];
}

/**
 * Deletes what dead backups left: their object lists, their dumps, the parts of their uploads, and
 * the object that a preflight writes. To be called while the prefix's lock is held, which shows
 * that they are dead. A backup is recognised by its folder below `sets/` (see `reserveId`), not by
 * the names of its objects alone. Objects that were copied to the mirror stay, for the next backup
 * to use; `prune` deletes those that it did not need. `prune` also finishes interrupted removals.
 */
export const clearDebris = async (
  { store }: Pick<Target, 'store'>,
  layout: Layout,
  { olderThan, buckets }: DebrisOptions,
): Promise<{ readonly backups: readonly BackupId[]; readonly objects: number }> => {
  const older = (await listFolders(store, layout)).filter(({ id }) => id < olderThan);
  const isComplete = ({ id, objects }: SetFolder): boolean =>
    objects.some(({ key }) => key === layout.manifest(id));
  const dead = older.filter(
    (folder) =>
      !isComplete(folder) && !folder.objects.some(({ key }) => key === layout.removed(folder.id)),
  );
  // A backup that died just after its manifest could not remove its mark.
  const marks = older
    .filter(isComplete)
    .flatMap(({ id, objects }) => objects.filter(({ key }) => key === layout.started(id)))
    .map(({ key }) => key);
  // The folders go last, because they show that there is something to clear.
  const dumps: string[] = [];
  for (const { id } of dead) {
    const dump = layout.mlmdDump(id);
    if ((await store.head(dump)) !== undefined) dumps.push(dump);
  }
  const folders = dead.flatMap(({ objects }) => objects.map(({ key }) => key));
  const tests: string[] = [];
  for await (const { key } of store.list(layout.writeTest('')))
    if (/-[0-9a-f-]{36}([!/].*)?$/s.test(key)) tests.push(key);
  for (const keys of [dumps, tests, marks, folders]) if (keys.length > 0) await store.delete(keys);
  await abortAllUploads(store, layout, buckets);
  return {
    backups: dead.map(({ id }) => id),
    objects: dumps.length + tests.length + marks.length + folders.length,
  };
};
