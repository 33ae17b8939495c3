import { createBandwidth } from '../components/buckets/bandwidth.ts';
import type { BucketPass } from '../components/buckets/mirror-bucket.ts';
import { copyWorker } from '../components/buckets/shards/copy-shard.ts';
import { partOf, workOf } from '../components/buckets/shards/cut-list.ts';
import { isShardPass, joinLists, passOf } from '../components/buckets/shards/join-copies.ts';
import { newWork, shareWork } from '../components/buckets/shards/share-work.ts';
import type { CopyThreads } from '../components/buckets/threads/copy-threads.ts';
import { shrunkProblem } from '../components/buckets/shrunk.ts';
import type { BucketBackup } from '../repository/manifest.ts';
import type { Backup } from './begin-backup.ts';
import { type BucketToCut, cutBuckets } from './cut-buckets.ts';

/** What a shared copy needs besides the backup. */
interface SharedCopy {
  readonly buckets: readonly BucketToCut[];
  readonly archive: boolean;
  /** For each bucket, its part of the newest set that has it. */
  readonly before: ReadonlyMap<string, BucketBackup>;
  /** The file for the list of a bucket. */
  readonly listFile: (bucket: string) => string;
  readonly threads: CopyThreads;
  readonly signal: AbortSignal;
}

/**
 * Copies the buckets together with the other units of this application, and writes the list of
 * each. Undefined when there is no other unit, or too little to do; then nothing was done. Rejects
 * as `copyBucket` does. See `shareWork` for how it ends.
 */
export const copyByAllUnits = async (
  backup: Backup,
  { buckets, archive, before, listFile, threads, signal }: SharedCopy,
): Promise<ReadonlyMap<string, BucketPass> | undefined> => {
  const { ready, world, request, lock, config, scratch, heartbeat, terminating } = backup;
  const { otherUnits, target, sources, juju } = ready;
  if (otherUnits.length === 0 || lock === undefined) return undefined;
  const { clock } = world;
  const { transfers } = config;
  const started = clock.now().getTime();
  const bandwidth = createBandwidth(config.bandwidthLimit, clock);
  return shareWork(
    { world, juju, otherUnits, heartbeat, terminating, lead: lock },
    newWork(target, backup.id),
    {
      cut: (work, mayShare) => cutBuckets(work, buckets, { scratch, signal, mayShare }),
      plan: { kind: 'copy', archive, keepsTags: ready.server.tags === 'kept' },
      worker: (plan) =>
        copyWorker({
          ...{ target, sources, plan, transfers, threads, bandwidth, clock, signal, scratch },
        }),
      isResult: isShardPass,
      share: ({ listed, bytes }) => ({ objects: listed, bytes }),
      done: 'copied ahead',
      ...{ bandwidth, signal },
      assertOurs: () => backup.assertOurs(),
      stillOurs: () => backup.stillOurs(),
    },
    async (copies, { shards }) => {
      const elapsed = (clock.now().getTime() - started) / 1000;
      const all = buckets.map(({ source }) => {
        const own = copies.filter(({ shard }) => shards[shard]?.bucket === source.bucket);
        return { source, own, pass: passOf(own) };
      });
      const works = all.map(({ pass: { listed, bytesCopied } }) => workOf(listed, bytesCopied));
      const passes = new Map<string, BucketPass>();
      for (const [index, { source, own, pass }] of all.entries()) {
        const { bucket } = source;
        const shrunk = shrunkProblem(source, pass.listed, before.get(bucket)?.objects);
        if (shrunk !== undefined && !request.allowShrink) throw shrunk;
        await joinLists(target.store, own, listFile(bucket));
        passes.set(bucket, { ...pass, seconds: elapsed * partOf(works, index) });
      }
      return passes;
    },
  );
};
