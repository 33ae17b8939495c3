import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { downloadObjectList } from '../../../repository/checked-list.ts';
import { layoutOf } from '../../../repository/layout.ts';
import type { HelpProgress } from '../../../repository/lock-claims.ts';
import { readListFile } from '../../../repository/object-list.ts';
import type { Source } from '../../../world.ts';
import { copyBucket } from '../mirror-bucket.ts';
import { ProgressOfBucket } from '../progress.ts';
import type { CopyThreads } from '../threads/copy-threads.ts';
import type { ShardTools, ShardWorker } from './shard.ts';
import type { ShardPass } from './join-copies.ts';

/** Copies shards with the engine that copies whole buckets. */
export const copyWorker = (
  tools: ShardTools & { readonly sources: readonly Source[]; readonly threads?: CopyThreads },
): ShardWorker<ShardPass> => {
  const { target, sources, plan, transfers, bandwidth, clock, signal, scratch, threads } = tools;
  const layout = layoutOf(target.prefix);
  const file = join(scratch, 'shard.ndjson.gz');
  const last = join(scratch, 'shard.last.ndjson.gz');
  let done: HelpProgress = { objects: 0, bytes: 0 };
  let current: ProgressOfBucket | undefined;

  const progress = (): HelpProgress => {
    const { objectsDone = 0, bytesDone = 0 } = current?.snapshot() ?? {};
    return { objects: done.objects + objectsDone, bytes: done.bytes + bytesDone };
  };
  const work: ShardWorker<ShardPass>['work'] = async ({ bucket, range, before }, { mayGoOn }) => {
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
        archive: plan.archive === true,
        keepsTags: plan.keepsTags === true,
        confirmListed: false,
        ...{ mayWrite: mayGoOn, previousCount: undefined, allowShrink: true },
        ...{ transfers, bandwidth, clock, signal, progress: current },
        ...(threads && { threads }),
      });
      done = { objects: done.objects + pass.listed, bytes: done.bytes + pass.bytes };
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
      current = undefined;
      await rm(last, { force: true });
    }
  };
  return { work, progress };
};
