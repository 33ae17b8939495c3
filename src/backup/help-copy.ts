import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createBandwidth } from '../components/buckets/bandwidth.ts';
import { shardCopier } from '../components/buckets/shards/copy-shard.ts';
import {
  isPlanThere,
  readPlan,
  type SharedWork,
} from '../components/buckets/shards/shared-work.ts';
import { takeShards } from '../components/buckets/shards/take-shards.ts';
import type { Config } from '../config/config.ts';
import { hasCode } from '../errors.ts';
import { startHeartbeat } from '../operation/heartbeat.ts';
import { helpHolder, type Help } from '../repository/lock-helper.ts';
import type { HelpProgress } from '../repository/lock-claims.ts';
import { countText, sizeText } from '../text.ts';
import type { Clock, Source, World } from '../world.ts';

/** Milliseconds. */
const renewal = 10_000;

/**
 * What a unit does that the leader of a backup asked for help with the copy of the buckets: takes
 * shards until there are no more, or the backup is over. Undefined when it was over already.
 * Rejects with `parameter-invalid` when the leader did not ask for it.
 */
export const helpCopy = async (
  world: World,
  config: Config,
  work: SharedWork,
): Promise<HelpProgress | undefined> => {
  const { target } = work;
  const { clock, progress, unit } = world;
  const plan = await readPlan(work);
  if (plan === 'gone') return undefined;
  await using undo = new AsyncDisposableStack();
  const help = await joined(world, work, plan.lock);
  if (help === undefined) return undefined;
  undo.use(help);
  const sources: Source[] = [];
  for (const bucket of new Set(plan.shards.map((shard) => shard.bucket))) {
    const source = await world.openSource(bucket);
    undo.use(source.store);
    sources.push(source);
  }
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
  const copier = shardCopier({
    ...{ target, sources, plan, clock, signal, scratch, transfers: config.transfers, bandwidth },
  });
  undo.use(keepRenewing(help, { work, clock, over, progress: copier.progress, share }));
  const heartbeat = undo.use(startHeartbeat(world));
  await progress.step(`Helping the leader to copy buckets for the backup ${work.id}`);
  try {
    await heartbeat.during(
      () => progressText(copier.progress()),
      () =>
        takeShards({
          ...{ work, plan, unit, clock, signal, nonce: help.nonce, copy: copier.copy },
          assertWanted: async () => {
            await help.assertWanted();
            if (!(await isPlanThere(work))) over.abort();
            signal.throwIfAborted();
          },
          alive: () => help.alive(),
        }),
    );
  } catch (error) {
    // The backup has ended, or another one has the path; this unit has nothing to put right.
    const isOver = over.signal.aborted && !world.signal.aborted;
    if (!isOver && !hasCode(error, 'backup-running')) throw error;
  }
  return copier.progress();
};

export const progressText = ({ objects, bytes }: HelpProgress): string =>
  `${countText(objects, 'object')}, ${sizeText(bytes)}`;

/**
 * Claims a place beside the lock. The leader takes the plan away and then looks for claims, so the
 * plan is looked for once more when ours is there.
 */
const joined = async (world: World, work: SharedWork, lock: string): Promise<Help | undefined> => {
  let help: Help;
  try {
    help = await helpHolder(work.target, world, lock);
  } catch (error) {
    if (hasCode(error, 'backup-running')) return undefined;
    throw error;
  }
  if (await isPlanThere(work)) return help;
  await help[Symbol.asyncDispose]();
  return undefined;
};

/** Renews the claim, and ends the work when the holder of the lock or its plan is gone. */
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
    /** Takes this unit's share of the bandwidth anew. */
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
        // Another failure may pass; whoever writes asks before that.
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
