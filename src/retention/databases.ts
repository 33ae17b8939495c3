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
 * also names, stays.
 */
export async function* findDatabaseGarbage(removal: Removal): AsyncGenerator<StoredObject> {
  const { store } = removal;
  const needed = new Set(removal.stay.flatMap(({ databases }) => databases.map(placeOf)));
  const done = new Set<string>();
  for (const { manifest } of removal.go) {
    if (manifest === undefined || manifest instanceof CharmError) continue;
    for (const database of manifest.databases) {
      for (const path of pathsOf(removal, database)) {
        const place = placeOf({ path, backupId: database.backupId });
        if (needed.has(place) || done.has(place)) continue;
        done.add(place);
        for await (const object of store.list(place))
          if (isOfBackup(object.key.slice(place.length))) yield object;
      }
    }
  }
}

const placeOf = ({ path, backupId }: Pick<DatabaseBackup, 'path' | 'backupId'>): string =>
  `${path ?? ''}/${backupId}`;

/**
 * The path in the manifest and its other generations; empty when it is not a path that this charm
 * gives.
 */
const pathsOf = (
  { layout, generations }: Removal,
  { component, path, backupId }: DatabaseBackup,
): readonly string[] => {
  if (path === undefined || !isDatabase(component) || !isDatabaseBackupId(backupId)) return [];
  const generation = generationOf(layout, component, path);
  if (generation === undefined) return [];
  const newest = Math.max(generation, generations[component] ?? 1);
  return Array.from({ length: newest - generation + 1 }, (_, index) =>
    layout.databasePath(component, generation + index),
  );
};

const isOfBackup = (rest: string): boolean =>
  rest.startsWith('/') || ['.metadata', '.md5', '.backup.log'].includes(rest);
