import { nowAndThen } from '../../../operation/now-and-then.ts';
import { CharmError } from '../../../errors.ts';
import type { Clock } from '../../../world.ts';
import type { SharePlan, ShardWorker } from './shard.ts';
import {
  claimShard,
  isPlanThere,
  releaseShard,
  type SharedWork,
  type Standing,
  standingOf,
  storeDone,
} from './shared-work.ts';

/** A process that takes shards. */
export interface Taker {
  readonly work: SharedWork;
  readonly plan: SharePlan;
  /** The name of its claims: that of its claim beside the lock. */
  readonly nonce: string;
  readonly unit: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Rejects with `backup-running` when the work is over. */
  readonly assertWanted: () => Promise<void>;
  /** The nonces of the processes that were heard of lately, with our own. */
  readonly alive: () => Promise<ReadonlySet<string>>;
  /** Works on one shard. */
  readonly perform: ShardWorker['work'];
}

/** Milliseconds between two looks while others work on what is left. */
const pause = 2000;

/**
 * Works on one shard after the other, until all are done or the plan is gone. A shard that another
 * process holds is left to it, unless that one has not been heard of for two minutes. Rejects with
 * the failure of a shard, after giving its shard back.
 */
export const takeShards = async (taker: Taker): Promise<void> => {
  const { work, plan, clock, signal } = taker;
  for (;;) {
    signal.throwIfAborted();
    const [standing, isThere] = await Promise.all([standingOf(work), isPlanThere(work)]);
    if (!isThere || plan.shards.every((_, index) => standing.done.has(index))) return;
    // After the claims were read, so that each process that has one and lives is among the living.
    const alive = await taker.alive();
    const shard = nextShard(standing, alive, taker);
    if (shard === undefined) await clock.sleep(pause, signal);
    else await take(taker, shard, deadClaims(standing, alive, shard));
  }
};

/**
 * The next shard that nobody holds. The units begin at places far from each other, so that they
 * seldom reach for the same one.
 */
export const nextShard = (
  { done, claims }: Standing,
  alive: ReadonlySet<string>,
  { plan: { shards, units }, unit }: Pick<Taker, 'plan' | 'unit'>,
): number | undefined => {
  const number = Number(/\d+$/.exec(unit)?.[0] ?? 0) % units;
  const first = Math.floor((number * shards.length) / units);
  for (let step = 0; step < shards.length; step += 1) {
    const shard = (first + step) % shards.length;
    const isHeld = claims.get(shard)?.some(({ nonce }) => alive.has(nonce)) === true;
    if (!done.has(shard) && !isHeld) return shard;
  }
  return undefined;
};

const deadClaims = (
  { claims }: Standing,
  alive: ReadonlySet<string>,
  shard: number,
): readonly string[] =>
  (claims.get(shard) ?? []).map(({ nonce }) => nonce).filter((nonce) => !alive.has(nonce));

/**
 * Claims a shard and works on it. Of several claims the first one counts; who finds another before
 * its own leaves the shard to that one.
 */
const take = async (taker: Taker, number: number, dead: readonly string[]): Promise<void> => {
  const { work, plan, nonce, unit, clock } = taker;
  const shard = plan.shards[number];
  if (shard === undefined) return;
  // A process that was taken for dead finds its claim gone when it wakes up, and stops.
  if (dead.length > 0) await releaseShard(work, number, dead);
  await claimShard(work, number, nonce);
  const lease = { isLost: false };
  const assertHeld = async (): Promise<void> => {
    const [{ claims }, alive] = await Promise.all([standingOf(work), taker.alive()]);
    const holder = claims.get(number)?.find((claim) => alive.has(claim.nonce));
    lease.isLost = holder?.nonce !== nonce;
    if (lease.isLost) throw taken(number);
  };
  const mayGoOn = nowAndThen(clock, async () => {
    await Promise.all([taker.assertWanted(), assertHeld()]);
  });
  try {
    await mayGoOn();
    const made = await taker.perform(shard, { mayGoOn });
    await storeDone(work, { shard: number, nonce, unit, ...made, mayGoOn });
  } catch (error) {
    await releaseShard(work, number, [nonce]).catch(() => undefined);
    if (!lease.isLost) throw error;
  }
};

const taken = (shard: number): CharmError =>
  new CharmError(
    'backup-running',
    `Another unit has taken shard ${shard} of the work, so this one left it to that unit. Nothing has to be done.`,
  );
