import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { downloadObjectList } from '../../../repository/checked-list.ts';
import { layoutOf } from '../../../repository/layout.ts';
import { readListFile } from '../../../repository/object-list.ts';
import type { Source } from '../../../world.ts';
import { copyBucket } from '../mirror-bucket.ts';
import type { CopyThreads } from '../threads/copy-threads.ts';
import type { ShardPass } from './join-copies.ts';
import { type ShardTools, type ShardWorker, shareOfHand } from './shard.ts';
import { createUnitProgress } from './unit-progress.ts';

/** Copies shards with the engine that copies whole buckets. */
export const copyWorker = (
  tools: ShardTools & { readonly sources: readonly Source[]; readonly threads?: CopyThreads },
): ShardWorker<ShardPass> => {
  const { target, sources, plan, transfers, bandwidth, clock, signal, scratch, threads } = tools;
  const layout = layoutOf(target.prefix);
  const progress = createUnitProgress(clock);
  const work: ShardWorker<ShardPass>['work'] = async (shard, { hand, mayGoOn }) => {
    const { bucket, range, before } = shard;
    const source = sources.find((one) => one.bucket === bucket);
    if (source === undefined) throw new TypeError(`the plan names the unknown bucket ${bucket}`);
    const file = join(scratch, `shard-${hand}.ndjson.gz`);
    const last = join(scratch, `shard-${hand}.last.ndjson.gz`);
    if (before !== undefined) await downloadObjectList(target.store, before, last);
    try {
      const pass = await progress.during(
        (current) =>
          copyBucket(source, target, {
            mirror: layout.mirror(bucket),
            history: layout.history(bucket),
            baseline: before && readListFile(last, before.key),
            list: file,
            range,
            archive: plan.archive === true,
            keepsTags: plan.keepsTags === true,
            confirmListed: false,
            ...{ mayWrite: mayGoOn, previousCount: undefined, allowShrink: true },
            ...{ bandwidth, clock, signal, progress: current },
            transfers: shareOfHand(transfers, plan),
            ...(threads && { threads }),
          }),
        ({ listed, bytes }) => ({ objects: listed, bytes }),
      );
      const { listed, bytes, copied, bytesCopied, archived, vanished } = pass;
      const { tagsListed, tagsUnreadable } = pass;
      return {
        file,
        result: {
          ...{ listed, bytes, copied, bytesCopied, archived, vanished },
          ...{ tagsListed, tagsUnreadable },
        },
      };
    } finally {
      await rm(last, { force: true });
    }
  };
  return { work, progress: progress.all };
};
