import type { LimitFunction } from 'p-limit';
import { assertCopies } from '../restic/assert-copies.ts';
import { CharmError } from '../../errors.ts';
import { countText, sizeText } from '../../text.ts';
import type { VolumeOperation } from '../records/operation.ts';
import { runOnRepository, occupiedRepository } from '../restic/repository-command.ts';
import { repositorySize, snapshotIds } from '../records/repository-content.ts';
import { changeState, readState } from '../records/repository-state.ts';
import { readSession, type RemovedBackup, writeSession } from '../records/session-record.ts';
import type { StoredBackup } from '../records/stored-backups.ts';

export interface Removal {
  readonly removed: readonly RemovedBackup[];
  /** Bytes that were given back; undefined when that is left for later. */
  readonly freed: number | undefined;
}

/**
 * Removes backups of one repository, of which all were made by sessions of ours. First the records
 * say that they are no backups any longer, then restic forgets their snapshots, then the records
 * say that, and at last the space is given back: when `prune` is `now`, or so many days after it
 * was done before. Killed at any point, the next call goes on: it gets what is `unforgotten`.
 * No gateway may be open. Rejects with `volume-locked` before anything was removed.
 */
export const removeBackups = async (
  operation: VolumeOperation,
  repository: string,
  { chosen, unforgotten, prune, alone }: RemovalWish,
): Promise<Removal> => {
  const { target, layout, lock, world, occupied } = operation;
  const { store } = target;
  if (occupied.has(repository)) throw occupiedRepository(repository);
  const leaving = [...chosen, ...unforgotten];
  if (leaving.length > 0) {
    await lock.assertHeld();
    const removed = world.clock.now().toISOString();
    await changeState(store, layout, repository, (state) => ({ ...state, unpruned: true }));
    await alone(() => markBackups(operation, chosen, { removed }));
    await forgetSnapshots(operation, repository, leaving);
    await alone(() => markBackups(operation, leaving, { forgotten: true }));
    await world.progress.note(`${repository}: removed ${countText(leaving.length, 'old backup')}`);
  }
  const freed = await pruneWhenDue(operation, repository, { prune, alone });
  return {
    removed: leaving.map(({ session, volume: { namespace, claim, snapshot } }) => ({
      ...{ session, namespace, claim, snapshot },
    })),
    freed,
  };
};

export interface RemovalWish {
  readonly chosen: readonly StoredBackup[];
  readonly unforgotten: readonly StoredBackup[];
  /** When the space is given back: at once, or so many days after the last time. */
  readonly prune: 'now' | { readonly days: number };
  /**
   * Lets one repository at a time do what must not be done side by side: change the records of
   * sessions, in which all of them stand, and read indexes, which takes memory.
   */
  readonly alone: LimitFunction;
}

/** So many fit into the arguments of one command. */
const mostIds = 500;

/** By their full ids, and only those that are there: restic looks long for one that is not. */
const forgetSnapshots = async (
  operation: VolumeOperation,
  repository: string,
  leaving: readonly StoredBackup[],
): Promise<void> => {
  const { target, layout } = operation;
  const ids = leaving.map(({ volume }) => volume.snapshot);
  const there = await snapshotIds(target.store, layout, repository);
  const forgotten = ids.filter((id) => there.has(id));
  for (let at = 0; at < forgotten.length; at += mostIds)
    await runOnRepository(operation, repository, {
      task: `forget-${at}`,
      command: ['forget', ...forgotten.slice(at, at + mostIds)],
    });
  const left = await snapshotIds(target.store, layout, repository);
  const stayed = ids.filter((id) => left.has(id));
  if (stayed.length === 0) return;
  throw new CharmError(
    'volume-command-failed',
    `${countText(stayed.length, 'snapshot')} of the repository ${repository} could not be removed, the first: ${stayed[0] ?? ''}. The next session tries again. The S3 keys, or those of retention-credentials, must be allowed to delete.`,
  );
};

/** Writes it into the records of the sessions that made them. */
const markBackups = async (
  { target: { store }, layout }: VolumeOperation,
  backups: readonly StoredBackup[],
  mark: { readonly removed: string } | { readonly forgotten: true },
): Promise<void> => {
  for (const [id, ofSession] of Map.groupBy(backups, ({ session }) => session)) {
    const record = await readSession(store, layout, id);
    if (record === undefined) continue;
    const snapshots = new Set(ofSession.map(({ volume }) => volume.snapshot));
    const volumes = record.volumes.map((volume) =>
      volume.snapshot !== undefined && snapshots.has(volume.snapshot)
        ? { ...volume, ...mark }
        : volume,
    );
    await writeSession(store, layout, { ...record, volumes });
  }
};

const day = 86_400_000;

const pruneWhenDue = async (
  operation: VolumeOperation,
  repository: string,
  { prune, alone }: Pick<RemovalWish, 'prune' | 'alone'>,
): Promise<number | undefined> => {
  const { target, layout, world } = operation;
  const { store } = target;
  const { unpruned, pruned } = await readState(store, layout, repository);
  if (!unpruned) return undefined;
  const age = world.clock.now().getTime() - Date.parse(pruned ?? '1970-01-01T00:00:00Z');
  if (prune !== 'now' && age < prune.days * day) return undefined;
  await alone(() => assertCopies(operation, repository));
  await world.progress.note(`${repository}: giving the space of removed backups back`);
  const before = await repositorySize(store, layout, repository);
  await runOnRepository(operation, repository, {
    ...{ task: 'prune', command: ['prune', '--quiet'], isLong: true },
  });
  const now = world.clock.now().toISOString();
  await changeState(store, layout, repository, (state) => ({
    ...{ ...state, unpruned: false, pruned: now },
  }));
  const after = await repositorySize(store, layout, repository);
  const freed = Math.max(0, before.bytes - after.bytes);
  await world.progress.note(`${repository}: ${sizeText(freed)} were given back`);
  return freed;
};
