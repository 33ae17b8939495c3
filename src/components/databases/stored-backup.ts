import { createHash } from 'node:crypto';
import { CharmError } from '../../errors.ts';
import { saidBy } from '../../operation/cluster-status.ts';
import { mergeJoin } from '../../repository/join.ts';
import { readAhead } from '../../repository/read-ahead.ts';
import type { ObjectStore, StoredObject, JujuModel } from '../../world.ts';

/*
 * A backup of mysql-k8s consists of these keys below its path: `<id>/…`, `<id>.metadata`,
 * `<id>.backup.log` and `<id>.md5`. The last one is the mark: with it, `list-backups` and `restore`
 * treat the backup as finished (mysql-k8s lib/charms/mysql/v0/s3_helpers.py).
 */

/** Whether a finished backup of a database lies at this path. */
export const isBackupAt = async (
  store: ObjectStore,
  path: string,
  databaseBackupId: string,
): Promise<boolean> => (await store.head(`${path}/${databaseBackupId}.md5`)) !== undefined;

interface FamilyCopy {
  /** Objects that are at the new path by now. */
  readonly objects: number;
  /** Those that had to be copied; the others were there from an earlier attempt. */
  readonly copied: number;
}

/** A backup of a database that is to be copied to another path of the same bucket. */
interface CopyOfBackup {
  readonly databaseBackupId: string;
  readonly from: string;
  readonly to: string;
  /** Where `from` is read when it is not the bucket as it is now. */
  readonly stored?: ObjectStore;
  /** So many objects are copied at a time. */
  readonly transfers: number;
  readonly copied?: (copy: FamilyCopy) => void;
}

/**
 * Makes a backup visible at another path of the same bucket, by copies on the server. The mark is
 * copied last, so that half a backup is never taken for a whole one. Objects that an earlier
 * attempt copied are not copied again.
 */
export const copyBackup = async (
  store: ObjectStore,
  { databaseBackupId, from, to, stored = store, transfers, copied = () => undefined }: CopyOfBackup,
): Promise<FamilyCopy> => {
  const progress = { objects: 0, copied: 0 };
  const copy = async ({ key, etag }: StoredObject): Promise<void> => {
    await stored.copy(key, `${to}${key.slice(from.length)}`, etag);
    progress.objects += 1;
    progress.copied += 1;
    copied(progress);
  };
  const mark = await stored.head(`${from}/${databaseBackupId}.md5`);
  if (mark === undefined) {
    throw new CharmError(
      'object-missing',
      `The database backup ${databaseBackupId} is not complete in ${store.description}: there is no ${from}/${databaseBackupId}.md5.`,
    );
  }
  const running = new Set<Promise<void>>();
  const failed = new AbortController();
  for await (const [object, there] of families(databaseBackupId, [stored, from], [store, to])) {
    if (object === undefined) continue;
    if (there !== undefined && isSame(there, object)) {
      progress.objects += 1;
      continue;
    }
    const work = copy(object)
      .catch((error: unknown) => {
        failed.abort(error);
      })
      .finally(() => running.delete(work));
    running.add(work);
    if (running.size >= transfers) await Promise.race(running);
    if (failed.signal.aborted) break;
  }
  await Promise.all(running);
  failed.signal.throwIfAborted();
  await confirmCopied(databaseBackupId, [stored, from], [store, to]);
  await copy(mark);
  return { ...progress };
};

/**
 * Some servers answer 200 to a copy and make none, or only a part. So the copies are checked before
 * the mark is made.
 */
const confirmCopied = async (
  databaseBackupId: string,
  from: readonly [ObjectStore, string],
  to: readonly [ObjectStore, string],
): Promise<void> => {
  const [store, path] = to;
  for await (const [object, copy] of families(databaseBackupId, from, to)) {
    if (object === undefined || copy?.size === object.size) continue;
    throw new CharmError(
      'store-corrupt',
      `The ${store.description} said that it copied ${object.key} to ${path}, but ${copy === undefined ? 'it is not there' : `the copy has ${copy.size} bytes instead of ${object.size}`}.` +
        ` The database was not changed. Run the action again, and look at that server when it happens again.`,
    );
  }
};

/** The objects of a backup at two paths, side by side, without the marks. */
const families = (
  databaseBackupId: string,
  [stored, from]: readonly [ObjectStore, string],
  [store, to]: readonly [ObjectStore, string],
) => {
  const familyAt = async function* (
    place: ObjectStore,
    path: string,
  ): AsyncGenerator<StoredObject> {
    for await (const object of place.list(`${path}/${databaseBackupId}`)) {
      const name = object.key.slice(path.length + 1);
      if (isOf(databaseBackupId, name) && name !== `${databaseBackupId}.md5`) yield object;
    }
  };
  return mergeJoin(
    { items: readAhead(familyAt(stored, from), `listing of ${from}`), prefix: from },
    { items: readAhead(familyAt(store, to), `listing of ${to}`), prefix: to },
  );
};

/** Deletes the copy of a backup, its mark first. */
export const deleteBackup = async (
  store: ObjectStore,
  path: string,
  databaseBackupId: string,
): Promise<void> => {
  await store.delete([`${path}/${databaseBackupId}.md5`]);
  let keys: string[] = [];
  for await (const { key } of store.list(`${path}/${databaseBackupId}`)) {
    if (isOf(databaseBackupId, key.slice(path.length + 1))) keys.push(key);
    if (keys.length < 1000) continue;
    await store.delete(keys);
    keys = [];
  }
  if (keys.length > 0) await store.delete(keys);
};

/**
 * Whether a name belongs to this backup. Names are compared as a whole: another id may begin with
 * this one.
 */
const isOf = (databaseBackupId: string, name: string): boolean =>
  name.startsWith(`${databaseBackupId}/`) ||
  ['.metadata', '.backup.log', '.md5'].some((end) => name === `${databaseBackupId}${end}`);

/**
 * The ETag of an object in one piece stays the same in a copy. That of an object in parts may
 * change, so then only the sizes are compared.
 */
const isSame = (there: StoredObject, object: StoredObject): boolean =>
  there.size === object.size && (there.etag === object.etag || object.etag.includes('-'));

/**
 * What `list-backups` of mysql-k8s says of one backup: `finished`, `failed` or `in progress`;
 * undefined when it is not listed, or the result is no such table. It is a text table
 * `backup-id | backup-type | backup-status` with a line below its heading (mysql-k8s
 * lib/charms/mysql/v0/backups.py). Newer revisions of its sister charms have lines before the
 * heading, and more columns, so columns are found by their names.
 */
export const statusOfBackup = (table: unknown, databaseBackupId: string): string | undefined => {
  const rows = (typeof table === 'string' ? table.split('\n') : []).map((row) =>
    row.split('|').map((cell) => cell.trim()),
  );
  const heading = rows.find((cells) => cells[0] === 'backup-id') ?? [];
  const column = heading.indexOf('backup-status');
  const row = rows.find((cells) => cells !== heading && cells[0] === databaseBackupId);
  return row?.[column]?.toLowerCase();
};

/**
 * The SHA-256 of a listing: each object's name, size and ETag, in the order of the listing. It
 * changes when any object does.
 */
interface ListingDigest {
  /** `name` is the key without the place that was listed. */
  add(name: string, object: Pick<StoredObject, 'size' | 'etag'>): void;
  /** Hex. */
  end(): string;
}

export const createListingDigest = (): ListingDigest => {
  const hash = createHash('sha256');
  return {
    add: (name, { size, etag }) => {
      hash.update(`${JSON.stringify([name, size, etag])}\n`);
    },
    end: () => hash.digest('hex'),
  };
};

/** Whether the database itself lists a backup as finished. */
export const isListed = async (
  juju: JujuModel,
  unit: string,
  databaseBackupId: string,
): Promise<boolean> => {
  const outcome = await juju.runAction(unit, 'list-backups', {});
  if (outcome.status !== 'completed') {
    throw new CharmError(
      'database-store-unreachable',
      `${unit} cannot reach its S3 storage: ${saidBy(outcome)}. Check that S3 is up and can be reached from there, and that juju status --relations shows a relation at its s3-parameters.`,
    );
  }
  return statusOfBackup(outcome.results['backups'], databaseBackupId) === 'finished';
};

/**
 * How an operator gives the users of a database the passwords of its backup (mysql-k8s, migrate a
 * cluster).
 */
export const passwordCommands = (application: string): string =>
  `for each of root, clusteradmin and serverconfig read the old one with juju run ${application}/leader get-password username=<user> in the model of the` +
  ` backup, and set it here with juju run ${application}/leader set-password username=<user> password=<old password>`;

/** The size and number of the objects of a database's backup, and the digest of their listing. */
export const measureBackup = async (
  store: ObjectStore,
  place: string,
): Promise<{ size: number; objects: number; digest: string }> => {
  const digest = createListingDigest();
  let size = 0;
  let objects = 0;
  for await (const object of store.list(place)) {
    size += object.size;
    objects += 1;
    digest.add(object.key.slice(place.length), object);
  }
  return { size, objects, digest: digest.end() };
};
