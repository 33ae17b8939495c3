import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startHeartbeat, type Heartbeat } from '../operation/heartbeat.ts';
import type { HeldScale } from '../operation/hold-scale.ts';
import { takeLock } from '../repository/lock.ts';
import type { Config } from '../config/config.ts';
import { CharmError, reasonOf } from '../errors.ts';
import type { World } from '../world.ts';
import { takeOverPath } from '../components/databases/paths.ts';
import type { ReadyRestore } from './preflight.ts';
import type { RestoreRequest } from './set.ts';

/** A restore on its way. Disposing of it, however the story ended, puts every scale back and gives the path free. */
export interface Restore extends AsyncDisposable {
  readonly world: World;
  readonly config: Config;
  readonly request: RestoreRequest;
  readonly ready: ReadyRestore;
  readonly heartbeat: Heartbeat;
  /** A directory for this restore's files. */
  readonly scratch: string;
  /** Sees to it that a scale is put back at the end. */
  hold(scale: HeldScale): void;
  /** Rejects when somebody else has taken the path meanwhile. */
  assertOurs(): Promise<void>;
}

export const beginRestore = async (
  world: World,
  config: Config,
  request: RestoreRequest,
  ready: ReadyRestore,
): Promise<Restore> => {
  const { target } = ready;
  const undo = new AsyncDisposableStack();
  try {
    const lock = undo.use(
      await takeLock(target, world.clock, { modelUuid: world.model.uuid, unit: world.unit }),
    );
    if (request.takeOver) await takeOverPath(world, target);
    const scratch = join(world.scratch, 'ckf-restore');
    // What a killed restore left there is of no use; Juju runs one action at a time on a unit.
    await rm(scratch, { recursive: true, force: true });
    await mkdir(scratch, { recursive: true });
    undo.defer(() => rm(scratch, { recursive: true, force: true }));
    const heartbeat = undo.use(startHeartbeat(world));
    const scales: HeldScale[] = [];
    undo.defer(() => putBackAll(scales));
    return {
      ...{ world, config, request, ready, heartbeat, scratch },
      hold: (scale) => scales.push(scale),
      assertOurs: () => lock.assertHeld(),
      [Symbol.asyncDispose]: () => undo.disposeAsync(),
    };
  } catch (error) {
    await undo.disposeAsync();
    throw error;
  }
};

const putBackAll = async (scales: readonly HeldScale[]): Promise<void> => {
  const outcomes = await Promise.allSettled(scales.map((scale) => scale.putBack()));
  const failed = outcomes.flatMap((outcome): unknown[] =>
    outcome.status === 'rejected' ? [outcome.reason] : [],
  );
  if (failed.length === 1) throw failed[0];
  if (failed.length > 1)
    throw new CharmError('scale-refused', failed.map(reasonOf).join(' '), { cause: failed[0] });
};
