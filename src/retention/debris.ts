import { CharmError, orProblem } from '../errors.ts';
import { backupIdAt, type BackupId, type Layout } from '../repository/layout.ts';
import type { BackupManifest } from '../repository/manifest.ts';
import { readSet } from '../repository/sets.ts';
import { isUnitClaim } from '../repository/shard-layout.ts';
import type { StartedDatabase } from '../repository/started.ts';
import { abortAllUploads } from '../repository/unfinished-uploads.ts';
import type { ObjectStore, Target } from '../world.ts';
import { findDatabaseGarbage } from './databases.ts';
import { listFolders, readLeft, type LeftFolder, type SetFolder } from './survey.ts';

interface DebrisOptions {
  /** The id of the operation that is running. Folders of later ids are left alone. */
  readonly olderThan: BackupId;
  /** The source buckets, whose mirrors may have unfinished uploads. */
  readonly buckets: readonly string[];
}

/**
 * Deletes what dead backups left: their object lists, their dumps, what databases had made for
 * them, the parts of their uploads, and the object that a preflight writes. To be called while the
 * prefix's lock is held, which shows that they are dead. A backup is recognised by its folder below
 * `sets/` (see `reserveId`), not by the names of its objects alone. Objects that were copied to the
 * mirror stay, for the next backup to use; `prune` deletes those that it did not need. `prune` also
 * finishes interrupted removals.
 */
export const clearDebris = async (
  target: Target,
  layout: Layout,
  { olderThan, buckets }: DebrisOptions,
): Promise<{ readonly backups: readonly BackupId[]; readonly objects: number }> => {
  const { store } = target;
  const { folders: all, unknown } = await listFolders(store, layout);
  const older = all.filter(({ id }) => id < olderThan);
  const isComplete = ({ id, objects }: SetFolder): boolean =>
    objects.some(({ key }) => key === layout.manifest(id));
  const isDead = (folder: SetFolder): boolean =>
    !isComplete(folder) && !folder.objects.some(({ key }) => key === layout.removed(folder.id));
  const found: LeftFolder[] = [];
  for (const folder of older.filter(isDead)) found.push(await readLeft(target, layout, folder));
  const complete = all.filter(isComplete);
  const made =
    unknown.length === 0 ? await findMade(target, layout, { left: found, complete }) : undefined;
  // The mark of a set whose databases cannot be cleared away now stays, for the next time.
  const dead = found.filter((folder) => made !== undefined || folder.made.length === 0);
  // A backup that died just after its manifest could not remove its mark.
  const marks = older
    .filter(isComplete)
    .flatMap((folder) => [
      ...folder.objects.map(({ key }) => key).filter((key) => key === layout.started(folder.id)),
      ...saidInVain(layout, folder, olderThan),
    ]);
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
  for (const keys of [made ?? [], dumps, tests, marks, folders])
    if (keys.length > 0) await store.delete(keys);
  await abortAllUploads(store, layout, buckets);
  return {
    backups: dead.map(({ id }) => id),
    objects: (made?.length ?? 0) + dumps.length + tests.length + marks.length + folders.length,
  };
};

const hour = 3_600_000;

/**
 * What units said to each other of work that is over: its leader died, or a unit froze and was too
 * late. Those who verify together have no lock, and renew their claims; what they say stays.
 */
const saidInVain = (layout: Layout, { id, objects }: SetFolder, now: BackupId): string[] => {
  const said = objects.filter(({ key }) => key.startsWith(layout.shards(id)));
  const runOf = (key: string): string => key.slice(layout.shards(id).length).split('/')[0] ?? '';
  const since = Date.parse(now) - hour;
  const working = new Set(
    said
      .filter(({ key, lastModified }) => isUnitClaim(key) && lastModified.getTime() > since)
      .map(({ key }) => runOf(key)),
  );
  return said.map(({ key }) => key).filter((key) => !working.has(runOf(key)));
};

/**
 * The keys of what databases made for backups that died, and no set names; undefined when a set
 * cannot be read, so that nobody knows what it names.
 */
const findMade = async (
  target: Target,
  layout: Layout,
  {
    left,
    complete,
  }: { readonly left: readonly LeftFolder[]; readonly complete: readonly SetFolder[] },
): Promise<readonly string[] | undefined> => {
  if (left.every(({ made }) => made.length === 0)) return [];
  const stay: BackupManifest[] = [];
  for (const { id } of complete) {
    const manifest = await orProblem(() => readSet(target, id));
    if (manifest instanceof CharmError) return undefined;
    stay.push(manifest);
  }
  const { store } = target;
  const garbage = findDatabaseGarbage({ store, layout, generations: {}, stay, go: left });
  return Array.fromAsync(garbage, ({ key }) => key);
};

/** Deletes what databases made for a backup that has failed, so that no set names it. */
export const deleteMade = async (
  store: ObjectStore,
  layout: Layout,
  made: readonly StartedDatabase[],
): Promise<void> => {
  const go = [{ id: backupIdAt(new Date(0)), objects: [], manifest: undefined, made }];
  const garbage = findDatabaseGarbage({ store, layout, generations: {}, stay: [], go });
  await store.delete(await Array.fromAsync(garbage, ({ key }) => key));
};
