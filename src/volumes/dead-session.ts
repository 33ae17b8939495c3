import { hasCode } from '../errors.ts';
import { type Layout, layoutOf } from '../repository/layout.ts';
import { takeLock } from '../repository/lock.ts';
import type { Clock, ObjectStore, Target, World } from '../world.ts';
import { clearLocks, repositoryNames } from './restic/repository-locks.ts';
import {
  type SessionRecord,
  readSession,
  sessionIds,
  sessionPhase,
  writeSession,
} from './records/session-record.ts';
import { isOfWrongClock } from './records/names.ts';
import { startNotebook } from './claims/notebooks.ts';
import { sweep } from './pods/sweep.ts';
import { tellOfVolumes } from './tell-of-volumes.ts';

type DeadSessionWorld = Pick<
  World,
  | 'journal'
  | 'clock'
  | 'model'
  | 'unit'
  | 'host'
  | 'openCluster'
  | 'openTarget'
  | 'openNotifier'
  | 'application'
  | 'progress'
>;

/** Seconds. A hook must not keep the others of its machine waiting; the next one goes on. */
const patience = 30;

/**
 * Starts the notebooks again that a session of this unit had stopped when it was killed. Needs the
 * cluster only. Opens nothing when there are none.
 */
export const startStoppedNotebooks = async ({
  journal,
  openCluster,
}: Pick<World, 'journal' | 'openCluster'>): Promise<void> => {
  const notebooks = await journal.stoppedNotebooks();
  if (notebooks.length === 0) return;
  await using cluster = await openCluster();
  for (const notebook of notebooks) await startNotebook({ cluster, journal }, notebook);
};

/**
 * Ends a session of this unit that was killed: what it left in the cluster is deleted, the locks of
 * its repositories are taken away, and its record says that it failed. Each step can be repeated,
 * so this may be killed too: the journal forgets the session when all is done. What it left in the
 * cluster goes even when S3 is away. Does nothing, and opens nothing, when no session was killed.
 */
export const endKilledSession = async (world: DeadSessionWorld): Promise<void> => {
  const { journal, clock } = world;
  const session = await journal.volumeSession();
  if (session === undefined) return;
  await using cluster = await world.openCluster();
  await sweep(cluster, { clock, session, patience });
  const target = await world.openTarget();
  await using _store = target.store;
  const layout = layoutOf(target.prefix);
  await using lock = await takeLock({ ...target, prefix: layout.volumes }, world);
  const ended = await settleRecord(target, layout, { session, clock });
  await lock.assertHeld();
  await journal.setVolumeSession(undefined);
  if (ended !== undefined) await tellOfVolumes(world, ended);
};

/**
 * Ends the newest session when its record says that it runs: its unit may be gone for ever. Each
 * session does this when it begins, so that no older one can be left. To be called with the lock,
 * and after the cluster was swept. Resolves with its record when this has ended it.
 */
export const settleNewest = async (
  target: Pick<Target, 'store'>,
  layout: Layout,
  clock: Clock,
): Promise<SessionRecord | undefined> => {
  for (const session of await sessionIds(target.store, layout)) {
    const record = await recordOf(target.store, layout, session);
    // Times of the schedule that got no run say nothing of the sessions before them.
    if (record?.slots !== undefined) continue;
    const settled = await settleRecord(target, layout, { session, clock });
    if (settled !== undefined || !isOfWrongClock(session, clock.now())) return settled;
  }
  return undefined;
};

const settleRecord = async (
  { store }: Pick<Target, 'store'>,
  layout: Layout,
  { session, clock }: { readonly session: string; readonly clock: Clock },
): Promise<SessionRecord | undefined> => {
  const record = await recordOf(store, layout, session);
  if (record?.phase !== 'Running') return undefined;
  const namespaces = new Set(record.volumes.map(({ namespace }) => namespace));
  const names = await repositoryNames(store, layout, [...namespaces]);
  for (const name of new Set([...names, ...(record.repositories ?? [])]))
    await clearLocks(store, layout, name, clock.now());
  const volumes = record.volumes.map((volume) =>
    volume.phase === 'Running'
      ? { ...volume, phase: 'Failed' as const, code: 'interrupted', reason: reasons[record.kind] }
      : volume,
  );
  const ended: SessionRecord = {
    ...record,
    volumes,
    phase: volumes.length === 0 ? 'Failed' : sessionPhase(volumes),
    finished: clock.now().toISOString(),
  };
  await writeSession(store, layout, ended);
  return ended;
};

const reasons: Readonly<Record<SessionRecord['kind'], string>> = {
  backup: 'The charm was killed meanwhile. There is no backup of it from this session.',
  restore:
    'The charm was killed meanwhile. Run restore-volume again. When it was into a folder, it gets a new one.',
  delete: 'The charm was killed meanwhile. Run delete-volume-backups again.',
  verify: 'The charm was killed meanwhile. Run verify-volumes again.',
};

/** A record that cannot be read tells nothing that could be settled. */
const recordOf = async (
  store: ObjectStore,
  layout: Layout,
  session: string,
): Promise<SessionRecord | undefined> => {
  try {
    return await readSession(store, layout, session);
  } catch (error) {
    if (hasCode(error, 'store-corrupt')) return undefined;
    throw error;
  }
};
