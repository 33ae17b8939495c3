import { createHash } from 'node:crypto';
import { CharmError, orProblem } from '../errors.ts';
import type { Layout } from '../repository/layout.ts';
import { countText, listText } from '../text.ts';
import type { ObjectStore, StoredObject } from '../world.ts';
import { repositoryPassword } from './keys.ts';
import { sessionMetadata } from './names.ts';
import type { VolumeOperation } from './operation.ts';
import { type SealKey, isSnapshot, keyIn, unseal } from './restic-seal.ts';
import { readSession, sessionIds } from './session-record.ts';
import { inTurns } from './slots.ts';

/** Objects that are looked at, at a time. */
const concurrency = 16;

/** Bytes. A user may have put anything there; what restic writes is a thousandth of it. */
const longest = 2 ** 20;

/**
 * Takes away what a user has put into a repository through its gateway and what stops restic there,
 * although no backup needs it: snapshots that cannot be read and that no session has recorded, keys
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
    const suspects: readonly JunkObject[] = [
      ...opened.others.map((key) => ({ key, kind: 'key' as const })),
      ...(await strangeSnapshots(store, layout, name, opened)),
      ...(await strangeIndexes(store, `${place}index/`, opened)),
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

interface OpenedRepository {
  readonly key: SealKey;
  /** The other files of keys, by their keys in the bucket. */
  readonly others: readonly string[];
}

/**
 * The key that opens the config, which no user can replace; the oldest is looked at first.
 * Undefined when there is none.
 */
const openRepository = async (
  store: ObjectStore,
  place: string,
  password: string,
): Promise<OpenedRepository | undefined> => {
  if ((await store.head(`${place}config`)) === undefined) return undefined;
  const config = await store.read(`${place}config`);
  const files = await listed(store, `${place}keys/`);
  const oldestFirst = files.toSorted(
    (one, other) => one.lastModified.getTime() - other.lastModified.getTime(),
  );
  for (const file of oldestFirst.filter(({ size }) => size <= longest)) {
    const key = keyIn(await store.read(file.key), password);
    if (key === undefined || unseal(key, config) === undefined) continue;
    return { key, others: files.flatMap((other) => (other === file ? [] : [other.key])) };
  }
  return undefined;
};

/** Those that restic cannot read, and that are no backup of a session. */
const strangeSnapshots = async (
  store: ObjectStore,
  layout: Layout,
  name: string,
  { key: sealKey }: OpenedRepository,
): Promise<readonly JunkObject[]> => {
  const place = `${layout.repository(name)}snapshots/`;
  const recorded = await recordedSnapshots(store, layout);
  if (recorded === undefined) return [];
  const unknown = (await listed(store, place)).filter(
    ({ key }) => !recorded.has(key.slice(place.length)),
  );
  const strange = await inTurns(concurrency, unknown, async ({ key, size }) => {
    const content = size > longest ? undefined : await store.read(key);
    const isGood = content && isNamedByHash(key, content) && isSnapshot(sealKey, content);
    return isGood ? [] : [{ key, kind: 'snapshot' as const }];
  });
  return strange.flat();
};

/** So many indexes that are good, the newest first: then those before them are not looked at. */
const enough = 16;

/** More than restic lets an index grow to. */
const longestIndex = 64 * 2 ** 20;

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
    if (content && isNamedByHash(key, content) && unseal(sealKey, content)) good += 1;
    else strange.push({ key, kind: 'index' });
    if (good === enough) break;
  }
  return strange;
};

/** As restic names all that it writes. */
const isNamedByHash = (key: string, content: Buffer): boolean =>
  key.endsWith(`/${createHash('sha256').update(content).digest('hex')}`);

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

const listed = (store: ObjectStore, prefix: string): Promise<readonly StoredObject[]> =>
  Array.fromAsync(store.list(prefix));
