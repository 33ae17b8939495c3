import { randomUUID } from 'node:crypto';
import { orProblem } from '../../../errors.ts';
import type { BackupId } from '../../../repository/layout.ts';
import type { HelpProgress } from '../../../repository/lock-claims.ts';
import { aliveOf } from '../../../repository/lock-helper.ts';
import { countText, sizeText, sum } from '../../../text.ts';
import type { Target, World } from '../../../world.ts';
import type { Bandwidth } from '../bandwidth.ts';
import type { Shard, SharePlan, ShardDone, ShardWorker } from './shard.ts';
import {
  keysOf,
  readDone,
  removePlan,
  removeShared,
  type SharedWork,
  writePlan,
} from './shared-work.ts';
import { takeShards } from './take-shards.ts';
import { endTeam, inviteTeam, type SharedOperation, type Team, watchTeam } from './team.ts';

/** One time that work is shared: what is to be done, and by what. */
interface Sharing<Result extends object> {
  /**
   * Cuts the work; undefined when it would not be worth it, or when `mayShare`, which is asked
   * before anything is written, says no.
   */
  readonly cut: (
    work: SharedWork,
    mayShare: () => Promise<boolean>,
  ) => Promise<readonly Shard[] | undefined>;
  readonly plan: Omit<SharePlan, 'format' | 'lock' | 'units' | 'shards'>;
  /** The leader's own worker. */
  readonly worker: (plan: SharePlan) => ShardWorker<Result>;
  readonly isResult: (result: object) => result is Result;
  /** What a result has done, for the log. */
  readonly share: (result: Result) => HelpProgress;
  /** For the log: `copied ahead`. */
  readonly done: string;
  readonly bandwidth: Bandwidth;
  readonly signal: AbortSignal;
  /** Rejects with `backup-running` when another operation has taken the path meanwhile. */
  readonly assertOurs: () => Promise<void>;
  /** The same, for what is asked very often. */
  readonly stillOurs: () => Promise<void>;
}

/** A name and a secret for one time that work is shared. */
export const newWork = (target: Target, id: BackupId): SharedWork => ({
  ...{ target, id },
  ...{ run: randomUUID(), token: randomUUID() },
});

/**
 * Works on buckets together with the other units of this application. Resolves with exactly one
 * result for each shard, in their order; `merge` is called before what the units wrote is removed.
 * Undefined when there is too little to do, or S3 does not let it; then nothing was done. No other
 * unit works any more when it ends, unless this process is asked to stop: then their claims keep
 * the next operation from the path until they have ended.
 */
export const shareWork = async <Result extends object, Merged>(
  operation: SharedOperation,
  work: SharedWork,
  sharing: Sharing<Result>,
  merge: (done: readonly ShardDone<Result>[], plan: SharePlan) => Promise<Merged>,
): Promise<Merged | undefined> => {
  const { otherUnits, lead, world } = operation;
  const team: Team = { operation, work, tasks: new Map(), isOpen: false };
  try {
    const shards = await sharing.cut(work, () => mayShare(work, world));
    if (shards === undefined) return undefined;
    const plan: SharePlan = {
      ...sharing.plan,
      ...{ format: 1, lock: lead.nonce, units: otherUnits.length + 1, shards },
    };
    await sharing.assertOurs();
    team.isOpen = true;
    await writePlan(work, plan);
    await inviteTeam(team, otherUnits);
    await takePart(team, plan, sharing);
    await endTeam(team);
    const done = await readDone(work, plan, sharing.isResult);
    await world.progress.note(sharesText(done, sharing));
    return await merge(done, plan);
  } finally {
    await orProblem(() => endTeam(team));
    await orProblem(() => removeShared(work));
  }
};

/**
 * The others work as long as the plan is there, so it has to be taken away at the end. Keys that
 * may delete hardly anything are refused that; then nothing is begun.
 */
const mayShare = async (
  work: SharedWork,
  { progress }: Pick<World, 'progress'>,
): Promise<boolean> => {
  const problem = await orProblem(() => removePlan(work));
  if (problem === undefined) return true;
  if (problem.code !== 'store-denied') throw problem;
  await progress.note(
    `The other units do not help, because these keys may not delete ${keysOf(work).all}*: ${problem.message}`,
  );
  return false;
};

/** The leader's own part: shards, as the others take them. */
const takePart = async <Result extends object>(
  team: Team,
  plan: SharePlan,
  { worker, bandwidth, signal, stillOurs }: Sharing<Result>,
): Promise<void> => {
  const { operation, work } = team;
  const { world, heartbeat, lead } = operation;
  const { clock, unit } = world;
  bandwidth.shareAmong(plan.units);
  const own = worker(plan);
  try {
    await using watch = watchTeam(team, { plan, bandwidth, own: own.progress });
    await heartbeat.during(watch.describe, () =>
      takeShards({
        ...{ work, plan, unit, clock, signal, nonce: lead.nonce, perform: own.work },
        assertWanted: stillOurs,
        alive: async () => new Set([lead.nonce, ...aliveOf(await lead.helpers())]),
      }),
    );
  } finally {
    bandwidth.shareAmong(1);
  }
};

/** `copied ahead by 2 units: ckf-backup/0 120 objects (1.5 MiB, 3 shards), ckf-backup/1 …`. */
const sharesText = <Result extends object>(
  all: readonly ShardDone<Result>[],
  { done, share }: Sharing<Result>,
): string => {
  const units = [...Map.groupBy(all, ({ unit }) => unit)].toSorted(([one], [other]) =>
    one.localeCompare(other, 'en', { numeric: true }),
  );
  const shares = units.map(([unit, its]) => {
    const parts = its.map(({ result }) => share(result));
    const objects = sum(parts.map((part) => part.objects));
    const bytes = sum(parts.map((part) => part.bytes));
    return `${unit} ${countText(objects, 'object')} (${sizeText(bytes)}, ${countText(its.length, 'shard')})`;
  });
  return `${done} by ${countText(units.length, 'unit')}: ${shares.join(', ')}`;
};
