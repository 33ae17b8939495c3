import { nowAndThen } from '../../../operation/now-and-then.ts';
import { CharmError } from '../../../errors.ts';
import type { Clock } from '../../../world.ts';
import { handsOf, type SharePlan, type ShardWorker } from './shard.ts';
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
 * Works on shards until all are done or the plan is gone; where there are many, on two at a time,
 * so that the connection is used while one of them is put away and the next one is claimed. A shard
 * that another process holds is left to it, unless that one has not been heard of for two minutes.
 * Rejects with the first failure of a shard, after giving its shards back.
 */
export const takeShards = async (taker: Taker): Promise<void> => {
  const busy = new Set<number>();
  const failures: unknown[] = [];
  const assertWanted = async (): Promise<void> => {
    if (failures.length > 0) throw givenUp();
    await taker.assertWanted();
  };
  await Promise.all(
    Array.from({ length: handsOf(taker.plan) }, async (_, hand) => {
      try {
        await takeOneByOne({ ...taker, assertWanted }, hand, busy, () => failures.length > 0);
      } catch (error) {
        failures.push(error);
      }
    }),
  );
  if (failures.length > 0) throw failures[0];
};

const takeOneByOne = async (
  taker: Taker,
  hand: number,
  busy: Set<number>,
  hasFailed: () => boolean,
): Promise<void> => {
  const { work, plan, clock, signal } = taker;
  while (!hasFailed()) {
    signal.throwIfAborted();
    const [standing, isThere] = await Promise.all([standingOf(work), isPlanThere(work)]);
    if (!isThere || plan.shards.every((_, index) => standing.done.has(index))) return;
    // After the claims were read, so that each process that has one and lives is among the living.
    const alive = await taker.alive();
    const shard = nextShard(standing, alive, taker, busy);
    if (shard === undefined) {
      await clock.sleep(pause, signal);
      continue;
    }
    busy.add(shard);
    try {
      await take(taker, { number: shard, hand }, deadClaims(standing, alive, shard));
    } finally {
      busy.delete(shard);
    }
  }
};

/**
 * The next shard that nobody holds, and that this process is not busy with. The units begin at
 * places far from each other, so that they seldom reach for the same one.
 */
export const nextShard = (
  { done, claims }: Standing,
  alive: ReadonlySet<string>,
  { plan: { shards, units }, unit }: Pick<Taker, 'plan' | 'unit'>,
  busy: ReadonlySet<number> = new Set(),
): number | undefined => {
  const number = Number(/\d+$/.exec(unit)?.[0] ?? 0) % units;
  const first = Math.floor((number * shards.length) / units);
  for (let step = 0; step < shards.length; step += 1) {
    const shard = (first + step) % shards.length;
    const isHeld = claims.get(shard)?.some(({ nonce }) => alive.has(nonce)) === true;
    if (!done.has(shard) && !isHeld && !busy.has(shard)) return shard;
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
const take = async (
  taker: Taker,
  { number, hand }: { readonly number: number; readonly hand: number },
  dead: readonly string[],
): Promise<void> => {
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
    const made = await taker.perform(shard, { hand, mayGoOn });
    await storeDone(work, { shard: number, nonce, unit, ...made, mayGoOn });
  } catch (error) {
    if (!lease.isLost) {
      await releaseShard(work, number, [nonce]).catch(() => undefined);
      throw error;
    }
    // Where this fails, this unit ends: while it lived, a claim that stays would keep everybody
    // from the shard, should the other unit die.
    await releaseShard(work, number, [nonce]);
  }
};

const givenUp = (): CharmError =>
  new CharmError(
    'backup-running',
    'Another shard of this unit failed, so this one was left too. The error of that one says what to do.',
  );

const taken = (shard: number): CharmError =>
  new CharmError(
    'backup-running',
    `Another unit has taken shard ${shard} of the work, so this one left it to that unit. Nothing has to be done.`,
  );
