import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../../config/config.ts';
import { hasCode } from '../../../errors.ts';
import { startHeartbeat } from '../../../operation/heartbeat.ts';
import type { HelpProgress } from '../../../repository/lock-claims.ts';
import { helpHolder, type Help } from '../../../repository/lock-helper.ts';
import { countText, sizeText } from '../../../text.ts';
import type { Clock, World } from '../../../world.ts';
import { createBandwidth } from '../bandwidth.ts';
import type { SharePlan, ShardTools, ShardWorker, WorkKind } from './shard.ts';
import { isPlanThere, keysOf, readPlan, type SharedWork } from './shared-work.ts';
import { takeShards } from './take-shards.ts';

type HelperWorld = Pick<
  World,
  'clock' | 'host' | 'model' | 'progress' | 'scratch' | 'signal' | 'unit'
>;

/** Opens what a worker needs beyond its tools; all of that is closed with `opened`. */
type OpenWorker = (tools: ShardTools, opened: AsyncDisposableStack) => Promise<ShardWorker>;

/** Milliseconds. */
const renewal = 10_000;

/**
 * What a unit does that the leader asked for help: takes shards until there are no more, or the
 * leader's operation is over. Undefined when it was over already. Rejects with `parameter-invalid`
 * when the leader did not ask for it.
 */
export const helpLeader = async (
  world: HelperWorld,
  config: Pick<Config, 'bandwidthLimit' | 'transfers'>,
  work: SharedWork,
  workers: Readonly<Record<WorkKind, OpenWorker>>,
): Promise<HelpProgress | undefined> => {
  const { target } = work;
  const { clock, progress, unit } = world;
  const plan = await readPlan(work);
  if (plan === 'gone') return undefined;
  await using undo = new AsyncDisposableStack();
  const help = await joined(world, work, plan);
  if (help === undefined) return undefined;
  undo.use(help);
  const scratch = join(world.scratch, 'ckf-work');
  await mkdir(scratch, { recursive: true });
  undo.defer(() => rm(scratch, { recursive: true, force: true }));
  const over = new AbortController();
  const signal = AbortSignal.any([world.signal, over.signal]);
  const bandwidth = createBandwidth(config.bandwidthLimit, clock);
  const share = async (): Promise<void> => {
    bandwidth.shareAmong((await help.alive()).size);
  };
  bandwidth.shareAmong(plan.units);
  const tools = { target, plan, clock, signal, scratch, transfers: config.transfers, bandwidth };
  const worker = await workers[plan.kind](tools, undo);
  undo.use(keepRenewing(help, { work, clock, over, progress: worker.progress, share }));
  const heartbeat = undo.use(startHeartbeat(world));
  await progress.step(`Helping the leader to ${doing[plan.kind]} ${work.id}`);
  try {
    await heartbeat.during(
      () => helpText(worker.progress()),
      () =>
        takeShards({
          ...{ work, plan, unit, clock, signal, nonce: help.nonce, perform: worker.work },
          assertWanted: async () => {
            await help.assertWanted();
            if (!(await isPlanThere(work))) over.abort();
            signal.throwIfAborted();
          },
          alive: () => help.alive(),
        }),
    );
  } catch (error) {
    // The operation has ended, or another one has the path; this unit has nothing to put right.
    const isOver = over.signal.aborted && !world.signal.aborted;
    if (!isOver && !hasCode(error, 'backup-running')) throw error;
  }
  return worker.progress();
};

const doing: Readonly<Record<WorkKind, string>> = {
  copy: 'copy buckets for the backup',
  restore: 'bring back the buckets of',
  verify: 'read the objects of',
};

export const helpText = ({ objects, bytes }: HelpProgress): string =>
  `${countText(objects, 'object')}, ${sizeText(bytes)}`;

/**
 * Claims a place beside the leader, which takes the plan away and then looks for claims. So the
 * plan is looked for once more when ours is there.
 */
const joined = async (
  world: HelperWorld,
  work: SharedWork,
  { lock, kind }: SharePlan,
): Promise<Help | undefined> => {
  const place = kind === 'verify' ? keysOf(work).units : undefined;
  let help: Help;
  try {
    help = await helpHolder(work.target, world, lock, place);
  } catch (error) {
    if (hasCode(error, 'backup-running')) return undefined;
    throw error;
  }
  if (await isPlanThere(work)) return help;
  await help[Symbol.asyncDispose]();
  return undefined;
};

/** Renews the claim, and ends the work when the leader or its plan is gone. */
const keepRenewing = (
  help: Help,
  {
    work,
    clock,
    over,
    progress,
    share,
  }: {
    readonly work: SharedWork;
    readonly clock: Clock;
    readonly over: AbortController;
    readonly progress: () => HelpProgress;
    /** Takes this unit's share of the bandwidth as it is now. */
    readonly share: () => Promise<void>;
  },
): AsyncDisposable => {
  const stop = new AbortController();
  const renew = async (): Promise<void> => {
    while (!over.signal.aborted) {
      try {
        await clock.sleep(renewal, stop.signal);
      } catch {
        return;
      }
      try {
        await help.renew(progress());
        await share();
        if (!(await isPlanThere(work))) over.abort();
      } catch (error) {
        // Another failure may pass, and before each write the claim is asked for again.
        if (hasCode(error, 'backup-running')) over.abort(error);
      }
    }
  };
  const renewing = renew();
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await renewing;
    },
  };
};
