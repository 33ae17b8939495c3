import type { VolumesConfig } from '../config/volumes.ts';
import { CharmError } from '../errors.ts';
import { type Layout, layoutOf } from '../repository/layout.ts';
import { type Lock, takeLock } from '../repository/lock.ts';
import type { Target, VolumeAccess, World } from '../world.ts';
import { sessionIdAt } from './names.ts';
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
}

export interface OpenOperation extends VolumeOperation, AsyncDisposable {}

/**
 * Begins a session: opens what it needs, takes the lock that volumes have of their own, so that
 * backups of the control plane go on beside it, and clears away what a session that died has left.
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
  await sweep(access.cluster);
  const started = sessionIdAt(world.clock.now());
  if (await target.store.head(layout.volumeSession(started)))
    throw new CharmError(
      'backup-running',
      `The session ${started} began in this very second. Run the action again.`,
    );
  const stack = opened.move();
  return {
    ...{ access, target, layout, config, world, lock },
    session: started,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};
