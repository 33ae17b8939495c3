import { CharmError, orProblem } from '../../errors.ts';
import type { Layout } from '../../repository/layout.ts';
import { textOf } from '../../ports/fields.ts';
import { countText, listText } from '../../text.ts';
import type { ObjectStore, StoredObject } from '../../world.ts';
import { repositoryPassword } from './keys.ts';
import { sessionMetadata } from '../records/names.ts';
import type { VolumeOperation } from '../records/operation.ts';
import { snapshotIn } from './restic-seal.ts';
import {
  type OpenedRepository,
  indexedBlobs,
  isIndex,
  isNamedByHash,
  listed,
  longest,
  longestIndex,
  openRepository,
} from './sealed-repository.ts';
import { readSession, sessionIds } from '../records/session-record.ts';
import { inTurns } from '../../in-turns.ts';

/** Objects that are looked at, at a time. */
const concurrency = 16;

/**
 * Takes away what a user has put into a repository through its gateway and what stops restic there,
 * although no backup needs it: snapshots that no session has recorded, and that cannot be read or
 * have nothing in them, keys
 * beside one that opens the repository, and indexes that cannot be read. What did not come through
 * a gateway stays, and so do snapshots while a record of a session cannot be read. To be called
 * when restic has failed, while no gateway is open. Resolves with what was taken away; that S3
 * refuses it is only noted. After an index was, `restic repair index` has to look for packs that
 * none names.
 */
export const clearJunk = async (
  operation: VolumeOperation,
  name: string,
): Promise<readonly JunkObject[]> => {
  const { target, layout, access, world, occupied, lock } = operation;
  if (occupied.has(name)) return [];
  const { store } = target;
  const cleared = await orProblem(async () => {
    const place = layout.repository(name);
    const opened = await openRepository(store, place, repositoryPassword(access.key, name));
    if (opened === undefined) return [];
    const indexes = await strangeIndexes(store, `${place}index/`, opened);
    const suspects: readonly JunkObject[] = [
      ...opened.others.map((key) => ({ key, kind: 'key' as const })),
      ...(await strangeSnapshots(store, layout, name, {
        ...{ opened, canReadIndexes: indexes.length === 0 },
      })),
      ...indexes,
    ];
    const marked = await inTurns(concurrency, suspects, async (suspect) => {
      const { metadata } = (await store.head(suspect.key)) ?? {};
      return metadata !== undefined && sessionMetadata in metadata.user ? [suspect] : [];
    });
    const junk = marked.flat();
    await lock.assertHeld();
    if (junk.length > 0) await store.delete(junk.map(({ key }) => key));
    return junk;
  });
  if (cleared instanceof CharmError)
    await world.progress.note(
      `${name}: what keeps restic from its work could not be taken away: ${cleared.message}`,
    );
  else if (cleared.length > 0)
    await world.progress.note(
      `${name}: took ${countText(cleared.length, 'object')} away that somebody of that namespace had put there and that stopped restic: ${listText(
        cleared.map(({ key }) => key),
        5,
      )}. No backup needs them, and all backups are kept.`,
    );
  return cleared instanceof CharmError ? [] : cleared;
};

export interface JunkObject {
  readonly key: string;
  readonly kind: 'key' | 'snapshot' | 'index';
}

/** Those that restic cannot read, or that have nothing in them, and that are no backup. */
const strangeSnapshots = async (
  store: ObjectStore,
  layout: Layout,
  name: string,
  {
    opened,
    canReadIndexes,
  }: { readonly opened: OpenedRepository; readonly canReadIndexes: boolean },
): Promise<readonly JunkObject[]> => {
  const place = `${layout.repository(name)}snapshots/`;
  const recorded = await recordedSnapshots(store, layout);
  if (recorded === undefined) return [];
  const read = async (objects: readonly StoredObject[]): Promise<readonly FoundSnapshot[]> =>
    inTurns(concurrency, objects, async ({ key, size }) => {
      const content = size > longest ? undefined : await store.read(key);
      const isWhole = content !== undefined && isNamedByHash(key, content);
      const { tree } = (isWhole ? snapshotIn(opened.key, content) : undefined) ?? {};
      return { key, tree: tree === undefined ? undefined : textOf(tree) };
    });
  const isBackup = ({ key }: StoredObject): boolean => recorded.has(key.slice(place.length));
  const snapshots = await listed(store, place);
  const found = await read(snapshots.filter((snapshot) => !isBackup(snapshot)));
  const lost =
    canReadIndexes && found.some(({ tree }) => tree !== undefined)
      ? await treesLost(store, layout.repository(name), opened, {
          backups: await read(snapshots.filter(isBackup)),
          others: found,
        })
      : new Set();
  return found.flatMap(({ key, tree }) =>
    tree === undefined || lost.has(tree) ? [{ key, kind: 'snapshot' as const }] : [],
  );
};

interface FoundSnapshot {
  readonly key: string;
  /** Undefined when restic cannot read it. */
  readonly tree: string | undefined;
}

/**
 * The trees of snapshots of others that no index knows, at which restic stops. None when those of a
 * backup are among them: then it is the indexes that are not complete.
 */
const treesLost = async (
  store: ObjectStore,
  place: string,
  opened: OpenedRepository,
  {
    backups,
    others,
  }: { readonly backups: readonly FoundSnapshot[]; readonly others: readonly FoundSnapshot[] },
): Promise<ReadonlySet<string>> => {
  const lost = new Set([...backups, ...others].flatMap(({ tree }) => tree ?? []));
  for await (const blobs of indexedBlobs(store, place, opened))
    for (const { id } of blobs) lost.delete(id);
  return backups.some(({ tree }) => tree === undefined || lost.has(tree)) ? new Set() : lost;
};

/** So many indexes that are good, the newest first: then those before them are not looked at. */
const enough = 16;

/** Those that restic cannot read. What a user has put there is younger than what there was. */
const strangeIndexes = async (
  store: ObjectStore,
  place: string,
  { key: sealKey }: OpenedRepository,
): Promise<readonly JunkObject[]> => {
  const newestFirst = (await listed(store, place)).toSorted(
    (one, other) => other.lastModified.getTime() - one.lastModified.getTime(),
  );
  const strange: JunkObject[] = [];
  let good = 0;
  for (const { key, size } of newestFirst) {
    const content = size > longestIndex ? undefined : await store.read(key);
    if (content && isNamedByHash(key, content) && isIndex(sealKey, content)) good += 1;
    else strange.push({ key, kind: 'index' });
    if (good === enough) break;
  }
  return strange;
};

/** Undefined when a record cannot be read: it may be of any backup. */
const recordedSnapshots = async (
  store: ObjectStore,
  layout: Layout,
): Promise<ReadonlySet<string> | undefined> => {
  const records = await inTurns(concurrency, await sessionIds(store, layout), (id) =>
    orProblem(() => readSession(store, layout, id)),
  );
  const ids = new Set<string>();
  for (const record of records) {
    if (record instanceof CharmError && record.code !== 'store-corrupt') throw record;
    if (record instanceof CharmError) return undefined;
    for (const { snapshot } of record?.volumes ?? []) if (snapshot !== undefined) ids.add(snapshot);
  }
  return ids;
};
