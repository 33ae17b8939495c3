import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CharmError, reasonOf } from '../errors.ts';
import { takeLock } from '../repository/lock.ts';
import type { Target, World } from '../world.ts';
import { startHeartbeat, type Heartbeat } from './heartbeat.ts';
import type { HeldScale } from './hold-scale.ts';

/*
 * This folder has what every operation that changes the model or the path in S3 needs.
 */

/**
 * An operation on its way. Disposing of it, however the story ended, puts every scale back, removes
 * the scratch files and frees the path for the next operation.
 */
export interface Operation extends AsyncDisposable {
  readonly heartbeat: Heartbeat;
  /** A directory for this operation's files. */
  readonly scratch: string;
  /** Takes care that a scale is put back at the end. */
  hold(scale: HeldScale): void;
  /** Puts back every scale that is held; rejects when one could not be, after all were tried. */
  putBackScales(): Promise<void>;
  /** Rejects with `backup-running` when another operation has taken the path meanwhile. */
  assertOurs(): Promise<void>;
  /**
   * As `assertOurs`, for what is taken away at the end: a process that was asked to stop cannot ask
   * S3 any more, and goes by what it heard lately.
   */
  assertOursAtEnd(): Promise<void>;
  /** Fires when Juju asks us to stop, and when another operation has taken the path. */
  readonly signal: AbortSignal;
  /** As `assertOurs`, for what is done very often: what S3 said within the last seconds counts. */
  stillOurs(): Promise<void>;
  /**
   * By how many milliseconds the clock of this unit is ahead of S3's; undefined when it was not
   * asked.
   */
  readonly clockAhead: number | undefined;
}

type OperationWorld = Pick<
  World,
  'clock' | 'host' | 'model' | 'progress' | 'scratch' | 'signal' | 'unit'
>;

/**
 * Takes the lock of the target's path, unless the operation only looks, and starts the heartbeat.
 * Rejects with `backup-running` when somebody else works on the path.
 */
export const beginOperation = async (
  world: OperationWorld,
  target: Target,
  { name, onlyLooks = false }: { readonly name: string; readonly onlyLooks?: boolean },
): Promise<Operation> => {
  const undo = new AsyncDisposableStack();
  try {
    const lock = onlyLooks ? undefined : undo.use(await takeLock(target, world));
    const scratch = join(world.scratch, `ckf-${name}`);
    // What a killed operation left there is of no use. Juju runs one action at a time on a unit.
    await rm(scratch, { recursive: true, force: true });
    await mkdir(scratch, { recursive: true });
    undo.defer(() => rm(scratch, { recursive: true, force: true }));
    const heartbeat = undo.use(startHeartbeat(world));
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
      signal: lock ? AbortSignal.any([world.signal, lock.signal]) : world.signal,
      clockAhead: lock?.clockAhead,
      stillOurs: nowAndThen(world.clock, async () => lock?.assertHeld()),
      [Symbol.asyncDispose]: () => undo.disposeAsync(),
    };
  } catch (error) {
    await undo.disposeAsync();
    throw error;
  }
};

/** Much shorter than the time after which a lock passes on. */
const freshMilliseconds = 15_000;

/**
 * Asks when the last answer is not fresh any more, as it is not after the process was frozen, and
 * asks again when the answer came so late. Those who come meanwhile share the answer.
 */
const nowAndThen = (
  clock: OperationWorld['clock'],
  ask: () => Promise<void>,
): (() => Promise<void>) => {
  let asked = NaN;
  let answer: Promise<void> | undefined;
  const isFresh = (): boolean => Math.abs(clock.now().getTime() - asked) < freshMilliseconds;
  return async () => {
    for (;;) {
      if (answer === undefined || !isFresh()) {
        asked = clock.now().getTime();
        const asking = ask();
        asking.catch(() => {
          if (answer === asking) answer = undefined;
        });
        answer = asking;
      }
      await answer;
      if (isFresh()) return;
    }
  };
};

/** Asks each time, and again when the answer came late. */
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
