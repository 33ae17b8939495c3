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
 * although no backup needs it: snapshots that cannot be read and that no session has recorded, and
 * keys beside one that opens the repository. What did not come through a gateway stays, and so does
 * everything while a record of a session cannot be read. To be called when restic has failed, while
 * no gateway is open. Resolves with whether something was taken away, so that trying again makes
 * sense; that S3 refuses it is only noted.
 */
export const clearJunk = async (operation: VolumeOperation, name: string): Promise<boolean> => {
  const { target, layout, access, world, occupied, lock } = operation;
  if (occupied.has(name)) return false;
  const { store } = target;
  const cleared = await orProblem(async () => {
    const place = layout.repository(name);
    const opened = await openRepository(store, place, repositoryPassword(access.key, name));
    if (opened === undefined) return [];
    const suspects = [...opened.others, ...(await strangeSnapshots(store, layout, name, opened))];
    const marked = await inTurns(concurrency, suspects, async (key) => {
      const { metadata } = (await store.head(key)) ?? {};
      return metadata !== undefined && sessionMetadata in metadata.user ? [key] : [];
    });
    const junk = marked.flat();
    await lock.assertHeld();
    if (junk.length > 0) await store.delete(junk);
    return junk;
  });
  if (cleared instanceof CharmError)
    await world.progress.note(
      `${name}: what keeps restic from its work could not be taken away: ${cleared.message}`,
    );
  else if (cleared.length > 0)
    await world.progress.note(
      `${name}: took ${countText(cleared.length, 'object')} away that somebody of that namespace had put there and that stopped restic: ${listText(cleared, 5)}. No backup needs them, and all backups are kept.`,
    );
  return !(cleared instanceof CharmError) && cleared.length > 0;
};

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
): Promise<readonly string[]> => {
  const place = `${layout.repository(name)}snapshots/`;
  const recorded = await recordedSnapshots(store, layout);
  if (recorded === undefined) return [];
  const unknown = (await listed(store, place)).filter(
    ({ key }) => !recorded.has(key.slice(place.length)),
  );
  const strange = await inTurns(concurrency, unknown, async ({ key, size }) => {
    if (size > longest) return [key];
    const content = await store.read(key);
    const id = createHash('sha256').update(content).digest('hex');
    return id === key.slice(place.length) && isSnapshot(sealKey, content) ? [] : [key];
  });
  return strange.flat();
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

const listed = (store: ObjectStore, prefix: string): Promise<readonly StoredObject[]> =>
  Array.fromAsync(store.list(prefix));
