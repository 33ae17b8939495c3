import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CharmError, reasonOf } from '../errors.ts';
import { type Lock, takeLock } from '../repository/lock.ts';
import type { Target, World } from '../world.ts';
import { startHeartbeat, type Heartbeat } from './heartbeat.ts';
import type { HeldScale } from './hold-scale.ts';
import { freshMilliseconds, nowAndThen } from './now-and-then.ts';
import { type Stoppable, watchForStop } from './stop-request.ts';

/*
 * This folder has what every operation needs that changes the model or the path in S3: its lock,
 * heartbeat, scratch files and held scales.
 */

/**
 * An operation that has begun. Disposing of it puts every scale back, removes the scratch files and
 * frees the path for the next operation, however the operation ended.
 */
export interface Operation extends AsyncDisposable {
  readonly heartbeat: Heartbeat;
  /** A directory for this operation's files. */
  readonly scratch: string;
  /** Notes a scale, to put it back at the end. */
  hold(scale: HeldScale): void;
  /**
   * Puts back every scale that is held. Tries all of them, then rejects when one could not be put
   * back.
   */
  putBackScales(): Promise<void>;
  /** Rejects with `backup-running` when another operation has taken the path meanwhile. */
  assertOurs(): Promise<void>;
  /**
   * As `assertOurs`, for what is removed at the end. A process that was asked to stop cannot ask S3
   * any more, so it relies on S3's last answer while that is recent.
   */
  assertOursAtEnd(): Promise<void>;
  /**
   * Fires when Juju asks us to stop, when an operator does, when the run takes longer than its
   * deadline, and when another operation has taken the path.
   */
  readonly signal: AbortSignal;
  /** Fires when the process has to end soon; scales are put back in the time that is left. */
  readonly terminating: AbortSignal;
  /** As `assertOurs`, for what is done very often: what S3 said within the last seconds counts. */
  stillOurs(): Promise<void>;
  /**
   * By how many milliseconds the clock of this unit is ahead of S3's; undefined when S3 was not
   * asked.
   */
  readonly clockAhead: number | undefined;
  /** For units that help; undefined when the operation only looks. */
  readonly lock: Pick<Lock, 'nonce' | 'helpers'> | undefined;
}

type OperationWorld = Pick<
  World,
  'clock' | 'deadline' | 'host' | 'model' | 'progress' | 'scratch' | 'signal' | 'unit'
>;

/**
 * Takes the lock of the target's path, unless the operation only looks, and starts the heartbeat.
 * Rejects with `backup-running` when another operation works on the path.
 */
export const beginOperation = async (
  world: OperationWorld,
  target: Target,
  {
    name,
    stoppable,
    onlyLooks = false,
  }: {
    readonly name: string;
    /** How an operator stops it; undefined for what does not take long. */
    readonly stoppable?: Omit<Stoppable, 'clock'>;
    readonly onlyLooks?: boolean;
  },
): Promise<Operation> => {
  const undo = new AsyncDisposableStack();
  try {
    const lock = onlyLooks ? undefined : undo.use(await takeLock(target, world));
    const scratch = join(world.scratch, `ckf-${name}`);
    // Files that a killed operation left there are of no use. Juju runs one action at a time on a
    // unit, so they have no owner.
    await rm(scratch, { recursive: true, force: true });
    await mkdir(scratch, { recursive: true });
    undo.defer(() => rm(scratch, { recursive: true, force: true }));
    const heartbeat = undo.use(startHeartbeat(world));
    const stop = stoppable && undo.use(watchForStop({ ...stoppable, clock: world.clock }));
    const scales: HeldScale[] = [];
    const putBackScales = (): Promise<void> => putBackAll(scales.splice(0));
    const assertOurs = eachTime(world.clock, async () => lock?.assertHeld());
    undo.defer(putBackScales);
    return {
      heartbeat,
      scratch,
      hold: (scale) => scales.push(scale),
      putBackScales,
      assertOurs,
      assertOursAtEnd: async () => {
        if (!(world.signal.aborted && lock?.isFresh() === true)) await assertOurs();
      },
      signal: AbortSignal.any([
        world.signal,
        ...(world.deadline ? [world.deadline] : []),
        ...(lock ? [lock.signal] : []),
        ...(stop ? [stop.signal] : []),
      ]),
      terminating: world.signal,
      clockAhead: lock?.clockAhead,
      lock,
      stillOurs: nowAndThen(world.clock, async () => lock?.assertHeld()),
      [Symbol.asyncDispose]: () => undo.disposeAsync(),
    };
  } catch (error) {
    await undo.disposeAsync();
    throw error;
  }
};

/** Asks at each call, and again when the answer took too long. */
const eachTime =
  (clock: OperationWorld['clock'], ask: () => Promise<void>) => async (): Promise<void> => {
    for (;;) {
      const asked = clock.now().getTime();
      await ask();
      if (Math.abs(clock.now().getTime() - asked) < freshMilliseconds) return;
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
