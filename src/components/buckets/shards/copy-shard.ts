import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { downloadObjectList } from '../../../repository/checked-list.ts';
import { layoutOf } from '../../../repository/layout.ts';
import type { HelpProgress } from '../../../repository/lock-claims.ts';
import { readListFile } from '../../../repository/object-list.ts';
import type { Clock, Source, Target } from '../../../world.ts';
import type { Bandwidth } from '../bandwidth.ts';
import { copyBucket } from '../mirror-bucket.ts';
import { ProgressOfBucket } from '../progress.ts';
import type { SharePlan } from './shard.ts';
import type { Taker } from './take-shards.ts';

interface ShardCopying {
  readonly target: Target;
  readonly sources: readonly Source[];
  readonly plan: SharePlan;
  readonly transfers: number;
  /** The share of this unit. */
  readonly bandwidth: Bandwidth;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** A directory for files. */
  readonly scratch: string;
}

/**
 * Copies shards with the engine that copies whole buckets. `progress` tells what this process has
 * done so far.
 */
export const shardCopier = (
  copying: ShardCopying,
): { readonly copy: Taker['copy']; readonly progress: () => HelpProgress } => {
  const { target, sources, plan, transfers, bandwidth, clock, signal, scratch } = copying;
  const layout = layoutOf(target.prefix);
  const file = join(scratch, 'shard.ndjson.gz');
  const last = join(scratch, 'shard.last.ndjson.gz');
  let done: HelpProgress = { objects: 0, bytes: 0 };
  let current: ProgressOfBucket | undefined;

  const progress = (): HelpProgress => {
    const { objectsDone = 0, bytesDone = 0 } = current?.snapshot() ?? {};
    return { objects: done.objects + objectsDone, bytes: done.bytes + bytesDone };
  };
  const copy: Taker['copy'] = async ({ bucket, range, before }, { mayWrite }) => {
    const source = sources.find((one) => one.bucket === bucket);
    if (source === undefined) throw new TypeError(`the plan names the unknown bucket ${bucket}`);
    if (before !== undefined) await downloadObjectList(target.store, before, last);
    current = new ProgressOfBucket(clock);
    try {
      const pass = await copyBucket(source, target, {
        mirror: layout.mirror(bucket),
        history: layout.history(bucket),
        baseline: before && readListFile(last, before.key),
        list: file,
        range,
        ...{ archive: plan.archive, keepsTags: plan.keepsTags, confirmListed: false },
        ...{ mayWrite, previousCount: undefined, allowShrink: true },
        ...{ transfers, bandwidth, clock, signal, progress: current },
      });
      done = { objects: done.objects + pass.listed, bytes: done.bytes + pass.bytes };
      const { listed, bytes, copied, bytesCopied, archived, vanished } = pass;
      const { tagsListed, tagsUnreadable } = pass;
      return {
        file,
        pass: {
          ...{ listed, bytes, copied, bytesCopied, archived, vanished },
          ...{ tagsListed, tagsUnreadable },
        },
      };
    } finally {
      current = undefined;
      await rm(last, { force: true });
    }
  };
  return { copy, progress };
};
