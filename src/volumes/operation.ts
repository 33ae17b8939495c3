import type { VolumesConfig } from '../config/volumes.ts';
import { CharmError } from '../errors.ts';
import { type Layout, layoutOf } from '../repository/layout.ts';
import { type Lock, takeLock } from '../repository/lock.ts';
import { waitUntil } from '../wait-until.ts';
import type { Journal, Target, VolumeAccess, World } from '../world.ts';
import { settleNewest } from './dead-session.ts';
import { sessionIdAt } from './names.ts';
import { type SessionRecord, writeSession } from './session-record.ts';
import { sweep } from './sweep.ts';

/** What every step of a session works with. */
export interface VolumeOperation {
  readonly session: string;
  readonly access: VolumeAccess;
  readonly target: Target;
  readonly layout: Layout;
  readonly config: VolumesConfig;
  readonly world: Pick<World, 'clock' | 'progress' | 'signal' | 'application'>;
  readonly lock: Lock;
  readonly journal: Journal;
  /** Repositories on which somebody else was at work: nothing may be removed there. */
  readonly occupied: Set<string>;
}

/** What is enough to look, before a session has begun. */
export type OpenedVolumes = Omit<VolumeOperation, 'session' | 'lock' | 'journal' | 'occupied'>;

export interface OpenOperation extends VolumeOperation, AsyncDisposable {
  /** Writes that the session runs, into the journal first: a hook that finds it there ends it. */
  start(record: SessionRecord): Promise<void>;
  /** Writes how it stands by now. */
  note(record: SessionRecord): Promise<void>;
  /** The same with the keys that may delete. To be called, and disposed of, before the end. */
  openTrusted(): Promise<VolumeOperation & AsyncDisposable>;
  /** Writes how the session ended; the journal need not remember it any longer. */
  end(record: SessionRecord): Promise<void>;
}

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
  await settleNewest(target, layout, world.clock);
  const started = await newSession(target, layout, world);
  const stack = opened.move();
  const operation = {
    ...{ access, target, layout, config, world, lock },
    ...{ session: started, journal: world.journal },
  };
  const occupied = new Set<string>();
  return {
    ...{ ...operation, occupied },
    note: async (record) => {
      await lock.assertHeld();
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
    },
    end: async (record) => {
      await lock.assertHeld();
      await writeSession(target.store, layout, record);
      await world.journal.setVolumeSession(undefined);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};

/**
 * The id of a session that begins now. A restore begins one right after that which saves what is
 * there; then it waits for the next second.
 */
const newSession = (
  { store }: Pick<Target, 'store'>,
  layout: Layout,
  { clock, signal }: Pick<World, 'clock' | 'signal'>,
): Promise<string> =>
  waitUntil(
    { clock, seconds: 5, pause: 1000, signal },
    async () => {
      const id = sessionIdAt(clock.now());
      return (await store.head(layout.volumeSession(id))) ? undefined : id;
    },
    () => {
      throw new CharmError(
        'backup-running',
        'Other sessions of volumes began in each of the last seconds. Run the action again.',
      );
    },
  );
