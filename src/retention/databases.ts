import { CharmError } from '../errors.ts';
import { generationOf, isDatabase, isDatabaseBackupId } from '../repository/layout.ts';
import type { DatabaseBackup } from '../repository/manifest.ts';
import type { StoredObject } from '../world.ts';
import type { Removal } from './removal.ts';

/**
 * The objects of the database backups of sets that go: of each id the keys that mysql-k8s writes
 * below its path (`<id>/…`, `<id>.metadata`, `<id>.md5`, `<id>.backup.log`), but never
 * `group_replication_id.txt` or `binlogs/`, which belong to the database. A restore may have copied
 * a backup to later generations of the path; those copies go too. A backup that a set which stays
 * also names, stays. The mark of a backup that died tells what databases had made for it.
 */
export async function* findDatabaseGarbage({
  store,
  layout,
  generations,
  stay,
  go,
}: Pick<
  Removal,
  'store' | 'layout' | 'generations' | 'stay' | 'go'
>): AsyncGenerator<StoredObject> {
  const needed = new Set(stay.flatMap(({ databases }) => databases.map(placeOf)));
  const done = new Set<string>();
  for (const database of go.flatMap(madeFor)) {
    for (const path of pathsOf({ layout, generations }, database)) {
      const place = placeOf({ path, backupId: database.backupId });
      if (needed.has(place) || done.has(place)) continue;
      done.add(place);
      for await (const object of store.list(place))
        if (isOfBackup(object.key.slice(place.length))) yield object;
    }
  }
}

/** A set that died tells of its databases in its mark. */
const madeFor = (set: Removal['go'][number]): readonly Made[] => {
  if (set.manifest instanceof CharmError) return [];
  return set.manifest?.databases ?? ('made' in set ? set.made : []);
};

type Made = Pick<DatabaseBackup, 'component' | 'path' | 'backupId'>;

const placeOf = ({
  path,
  backupId: databaseBackupId,
}: Pick<DatabaseBackup, 'path' | 'backupId'>): string => `${path ?? ''}/${databaseBackupId}`;

/**
 * The path in the manifest and its other generations; empty when it is not a path that this charm
 * gives.
 */
const pathsOf = (
  { layout, generations }: Pick<Removal, 'layout' | 'generations'>,
  { component, path, backupId: databaseBackupId }: Made,
): readonly string[] => {
  if (path === undefined || !isDatabase(component) || !isDatabaseBackupId(databaseBackupId))
    return [];
  const generation = generationOf(layout, component, path);
  if (generation === undefined) return [];
  const newest = Math.max(generation, generations[component] ?? 1);
  return Array.from({ length: newest - generation + 1 }, (_, index) =>
    layout.databasePath(component, generation + index),
  );
};

const isOfBackup = (rest: string): boolean =>
  rest.startsWith('/') || ['.metadata', '.md5', '.backup.log'].includes(rest);
