import { randomUUID } from 'node:crypto';
import { CharmError, orProblem } from '../errors.ts';
import type { Target, World } from '../world.ts';
import { layoutOf } from './layout.ts';
import {
  lifetimeMilliseconds,
  lookAtClaims,
  writeLockClaim,
  type LockRecord,
  type OtherClaim,
  type SeenClaims,
} from './lock-claims.ts';
import { helpersOf } from './lock-helper.ts';

/** The right to change what lies under a prefix. One operation has it at a time. */
export interface Lock extends AsyncDisposable {
  /** Asks S3. Rejects with `backup-running` when another operation has taken the lock meanwhile. */
  assertHeld(): Promise<void>;
  /**
   * Whether nobody else can have taken it yet, as far as we know: our claim was written lately. For
   * a process that is asked to stop, which cannot ask S3 any more.
   */
  isFresh(): boolean;
  /** Fires with that error when a renewal finds that the lock was lost. */
  readonly signal: AbortSignal;
  /** By how many milliseconds the clock of this unit is ahead of S3's, to the second. */
  readonly clockAhead: number;
  /** The name of our claim, for units that help us: see `helpHolder`. */
  readonly nonce: string;
  /**
   * The claims of the units that help us, as S3 has them now. Rejects with `backup-running` when
   * our own is gone, for then nobody can tell how old they are.
   */
  helpers(): Promise<readonly OtherClaim[]>;
}

const renewalMilliseconds = 60_000;
/** How often two operations that ask at the same moment give way to each other. */
const attempts = 6;
/**
 * How often to look whether units that helped a dead holder have ended: for about two minutes. They
 * look every ten seconds whether the holder is still there.
 */
const attemptsAtHelpers = 12;

/**
 * Takes the lock of a prefix and renews it until it is disposed of. Rejects with `backup-running`
 * while another operation holds it.
 *
 * It needs no conditional requests, because RadosGW before 20 ignores them in buckets with
 * versioning, and MinIO of 2021 everywhere. Each operation writes a claim under its own key and
 * then lists all claims, as restic does. A listing shows every PUT that has ended, so of two
 * operations at least one sees the other and gives way. A claim that is older than five minutes by
 * S3's time is dead. So is another claim of our own unit on the same machine, since Juju runs one
 * operation at a time on a unit. Units that helped a holder have claims too: when only those are
 * left, it waits until they have ended.
 */
export const takeLock = async (
  target: Target,
  world: Pick<World, 'clock' | 'model' | 'unit' | 'host'>,
  random: () => number = Math.random,
): Promise<Lock> => {
  const { clock, model, unit, host } = world;
  const nonce = randomUUID();
  const key = layoutOf(target.prefix).lockClaim(nonce);
  const asking: LockRecord = {
    ...{ modelUuid: model.uuid, unit, host, nonce },
    state: 'asking',
    buried: [],
  };
  const giveUp = (): Promise<unknown> => orProblem(() => target.store.delete([key]));

  const { buried, clockAhead } = await ask();
  const held: LockRecord = { ...asking, state: 'held', buried: buried.map((one) => one.key) };
  let written = clock.now().getTime();
  await hold();
  const stop = new AbortController();
  const lost = new AbortController();
  const renewals = renew();

  async function ask(): Promise<{
    readonly buried: readonly OtherClaim[];
    readonly clockAhead: number;
  }> {
    for (let attempt = 1; ; attempt += 1) {
      const sent = clock.now().getTime();
      try {
        await writeLockClaim(target, asking);
        const seen = await lookAtClaims(target, asking);
        if (seen.own === undefined) throw listsLate(target, key);
        const live = seen.others.filter(({ isLive }) => isLive);
        if (live.length === 0)
          return { buried: seen.others, clockAhead: sent - seen.own.lastModified.getTime() };
        const holder = live.find((one) => one.state === 'held' && one.helps === undefined);
        const most = live.every(({ helps }) => helps !== undefined) ? attemptsAtHelpers : attempts;
        if (holder ?? attempt === most) throw heldBy(holder ?? live[0], target);
        // Its helpers end when they find that the claim of the dead holder is gone.
        const left = seen.others.filter(
          (one) => !one.isLive && live.some(({ helps }) => helps === one.nonce),
        );
        if (left.length > 0) await target.store.delete(left.map((one) => one.key));
      } catch (error) {
        await giveUp();
        throw error;
      }
      await giveUp();
      await clock.sleep(Math.round((0.5 + random()) * 500 * 2 ** Math.min(attempt, 5)));
    }
  }

  /**
   * Turns the claim into a held one. When a holder that seemed dead has renewed its claim since, it
   * is alive and keeps the lock.
   */
  async function hold(): Promise<void> {
    try {
      await writeLockClaim(target, held);
      if (buried.length === 0) return;
      const { others } = await lookAtClaims(target, held);
      const awake = others.find((one) =>
        buried.some(({ key: dead, written }) => dead === one.key && one.written > written),
      );
      if (awake) throw heldBy(awake, target);
      await orProblem(() => target.store.delete(held.buried));
    } catch (error) {
      await giveUp();
      throw error;
    }
  }

  async function renew(): Promise<void> {
    for (;;) {
      try {
        await clock.sleep(renewalMilliseconds, stop.signal);
      } catch {
        return;
      }
      // A renewal that fails is tried again in a minute. An operation asks before it changes
      // something.
      const problem = await orProblem(async () => {
        const before = clock.now().getTime();
        // When our claim is gone, another operation took us for dead and deleted it. Writing it
        // again would hide that the other one has worked here.
        const loss = lossOf(await lookAtClaims(target, held));
        if (loss) return loss;
        await writeLockClaim(target, held);
        // This process was stopped for a while, perhaps with the whole machine. What was seen
        // before it does not count any more.
        if (clock.now().getTime() - before > lifetimeMilliseconds) return heldBy(undefined, target);
        const lossAfter = lossOf(await lookAtClaims(target, held));
        if (lossAfter === undefined) written = before;
        return lossAfter;
      });
      const isLost = problem instanceof CharmError && problem.code === 'backup-running';
      if (!isLost) continue;
      await giveUp();
      lost.abort(problem);
      return;
    }
  }

  const lossOf = ({ own, others }: SeenClaims): CharmError | undefined => {
    const other = others.find(
      (one) =>
        one.isLive &&
        one.state === 'held' &&
        one.helps === undefined &&
        !held.buried.includes(one.key),
    );
    return own === undefined || other ? heldBy(other, target) : undefined;
  };

  return {
    clockAhead,
    nonce,
    helpers: async () => {
      const seen = await lookAtClaims(target, held);
      if (seen.own === undefined) throw heldBy(undefined, target);
      return helpersOf(seen, nonce, clock.now().getTime() - written);
    },
    signal: lost.signal,
    isFresh: () =>
      !lost.signal.aborted && Math.abs(clock.now().getTime() - written) < lifetimeMilliseconds / 2,
    assertHeld: async () => {
      lost.signal.throwIfAborted();
      const problem = lossOf(await lookAtClaims(target, held));
      if (problem) throw problem;
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await renewals;
      // A claim that cannot be deleted expires by itself.
      await giveUp();
    },
  };
};

const heldBy = (other: OtherClaim | undefined, { prefix, bucket }: Target): CharmError => {
  const end = other && new Date(other.written.getTime() + lifetimeMilliseconds).toISOString();
  return new CharmError(
    'backup-running',
    `Another operation works on the path ${prefix} in bucket ${bucket}` +
      (other === undefined
        ? ': it took the lock over.'
        : `: unit ${other.unit} of model ${other.modelUuid}.`) +
      ' This one stopped. Wait for the other to end, then run the action again.' +
      (end === undefined ? '' : ` If that unit is dead, its lock ends by itself at ${end}.`),
  );
};

/** Without this, two operations would not see each other. */
const listsLate = ({ store }: Target, key: string): CharmError =>
  new CharmError(
    'store-refused',
    `${store.description} does not list ${key}, which it has just stored. ckf-backup cannot keep two operations apart on such a` +
      ' server. Nothing was changed. Use a bucket whose listings show every finished write, as those of AWS, MinIO and RadosGW do.',
  );
