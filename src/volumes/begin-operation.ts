import type { VolumesConfig } from '../config/volumes.ts';
import { CharmError, orProblem } from '../errors.ts';
import { type Layout, layoutOf } from '../repository/layout.ts';
import { takeLock } from '../repository/lock.ts';
import type { Target, World } from '../world.ts';
import { settleNewest } from './dead-session.ts';
import { assertImages } from './restic/image-versions.ts';
import { isOfWrongClock, sessionIdAt, timeOfSession } from './records/names.ts';
import type { OpenOperation } from './records/operation.ts';
import { openSessionLog } from './records/session-log.ts';
import { type SessionRecord, sessionIds, writeSession } from './records/session-record.ts';
import { sweep } from './pods/sweep.ts';
import { tellOfVolumes } from './tell-of-volumes.ts';

/**
 * Begins a session: opens what it needs, takes the lock that volumes have of their own, so that
 * backups of the control plane go on beside it, and clears away what sessions that died have left.
 * Rejects with `volumes-off` while there is no key, and with `backup-running` while another session
 * is at work.
 */
export const beginVolumeOperation = async (
  world: World,
  config: VolumesConfig,
): Promise<OpenOperation> => {
  await using opened = new AsyncDisposableStack();
  const access = opened.use(await world.openVolumes());
  const target = await world.openTarget();
  opened.use(target.store);
  const layout = layoutOf(target.prefix);
  const lock = opened.use(await takeLock({ ...target, prefix: layout.volumes }, world));
  await sweep(access.cluster, { clock: world.clock, patience: 120 });
  const killed = await settleNewest(target, layout, world.clock);
  if (killed !== undefined) await tellOfVolumes(world, killed);
  const started = await newSession(target, layout, world);
  const log = openSessionLog({ store: target.store, layout, session: started }, world);
  const stack = opened.move();
  const operation = {
    ...{ access, target, layout, config, lock },
    ...{ session: started, journal: world.journal },
    world: { ...world, progress: log.progress },
  };
  const occupied = new Set<string>();
  const end = async (record: SessionRecord): Promise<void> => {
    await lock.assertHeld();
    await log.flush();
    await writeSession(target.store, layout, record);
    await world.journal.setVolumeSession(undefined);
  };
  return {
    ...{ ...operation, occupied },
    note: async (record) => {
      await lock.assertHeld();
      await log.flush();
      await writeSession(target.store, layout, record);
    },
    openTrusted: async () => {
      await using trusted = new AsyncDisposableStack();
      const access = trusted.use(await world.openVolumes('retention'));
      const target = await world.openTarget('retention');
      trusted.use(target.store);
      const stack = trusted.move();
      return {
        ...{ ...operation, access, target, occupied },
        [Symbol.asyncDispose]: () => stack.disposeAsync(),
      };
    },
    start: async (record) => {
      await world.journal.setVolumeSession(started);
      await writeSession(target.store, layout, record);
      const problem = await orProblem(() => assertImages({ ...operation, occupied }));
      if (!(problem instanceof CharmError)) return;
      await end(failedBy(problem, record, world.clock));
      throw problem;
    },
    end,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};

/** Before anything was done. */
const failedBy = (
  { code, message: reason }: CharmError,
  record: SessionRecord,
  clock: World['clock'],
): SessionRecord => ({
  ...{ ...record, phase: 'Failed', reason },
  finished: clock.now().toISOString(),
  volumes: record.volumes.map((volume) =>
    volume.phase === 'Running' ? { ...volume, phase: 'Failed', code, reason } : volume,
  ),
});

/**
 * The id of a session that begins now. It is later than that of every other session, also when the
 * clock of the unit that made that one is somewhat ahead of ours: the latest backup has the latest
 * id.
 */
const newSession = async (
  { store }: Pick<Target, 'store'>,
  layout: Layout,
  { clock }: Pick<World, 'clock'>,
): Promise<string> => {
  const now = clock.now();
  const ids = await sessionIds(store, layout);
  const newest = ids.find((id) => !isOfWrongClock(id, now)) ?? '';
  const next = (timeOfSession(newest)?.getTime() ?? 0) + 1000;
  return sessionIdAt(new Date(Math.max(now.getTime(), next)));
};
