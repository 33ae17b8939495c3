import { hasCode } from '../errors.ts';
import { type BackupId, type Layout, neverASet } from '../repository/layout.ts';
import { countText, listText } from '../text.ts';
import type { ObjectStore, World } from '../world.ts';

/*
 * What Object Lock keeps. In a bucket with versioning a DELETE hides an object, and the lock keeps
 * its version; a server without versioning refuses it.
 */

/**
 * Looks at the manifests of sets that are to go, and tells the operator what is locked. Resolves
 * with the sets of which nothing may be deleted, because their manifest cannot be.
 */
export const findLockedSets = async (
  { clock, progress }: Pick<World, 'clock' | 'progress'>,
  store: ObjectStore,
  layout: Layout,
  ids: readonly BackupId[],
): Promise<ReadonlySet<BackupId>> => {
  const locked: { readonly id: BackupId; readonly until: Date }[] = [];
  for (const id of ids) {
    const until = (await store.head(layout.manifest(id)))?.lockedUntil;
    if (until !== undefined && until > clock.now()) locked.push({ id, until });
  }
  if (locked.length === 0) return new Set();
  const names = listText(locked.map(({ id, until }) => `${id} until ${dateText(until)}`));
  const { versioning } = await store.protection(layout.manifest(neverASet));
  if (versioning === 'on') {
    await progress.note(
      `Object Lock keeps the bytes of ${names}. A set that is removed is not listed any more; its versions stay until then, and until a lifecycle rule of the bucket removes them.`,
    );
    return new Set();
  }
  await progress.note(`Object Lock keeps ${names}: they stay. Prune again after that.`);
  return new Set(locked.map(({ id }) => id));
};

/**
 * Deletes what is not locked, and resolves with those keys. When S3 refuses, each object is asked
 * until when it is locked; rejects when none is, because the refusal has another reason.
 */
export const deleteUnlocked = async (
  { clock, progress }: Pick<World, 'clock' | 'progress'>,
  store: ObjectStore,
  keys: readonly string[],
): Promise<readonly string[]> => {
  try {
    await store.delete(keys);
    return keys;
  } catch (error) {
    if (!hasCode(error, 'store-denied')) throw error;
    const free: string[] = [];
    let last = 0;
    for (const key of keys) {
      const until = (await store.head(key))?.lockedUntil;
      if (until === undefined || until <= clock.now()) free.push(key);
      else last = Math.max(last, until.getTime());
    }
    if (free.length === keys.length) throw error;
    if (free.length > 0) await store.delete(free);
    await progress.note(
      `Object Lock keeps ${countText(keys.length - free.length, 'object')} until ${dateText(new Date(last))}: they stay, and a later prune removes them.`,
    );
    return free;
  }
};

/** A legal hold has no end. The last day that a date can hold stands for it. */
const dateText = (until: Date): string =>
  until.getTime() === 8.64e15 ? 'its legal hold is lifted' : until.toISOString().slice(0, 16) + 'Z';
