import { rm } from 'node:fs/promises';
import { createBandwidth, type Bandwidth } from '../components/buckets/bandwidth.ts';
import { copyBucket, type BucketPass } from '../components/buckets/mirror-bucket.ts';
import { ProgressOfBucket, progressText } from '../components/buckets/progress.ts';
import { type CopyThreads, openCopyThreads } from '../components/buckets/threads/copy-threads.ts';
import { type BackupId, setOfObjectList } from '../repository/layout.ts';
import type { BucketBackup } from '../repository/manifest.ts';
import { readListFile, type ListedObject } from '../repository/object-list.ts';
import { hasAnySet, newestOfBuckets } from '../repository/sets.ts';
import { countText, durationText, listText, sizeText } from '../text.ts';
import type { Source } from '../world.ts';
import type { Backup } from './begin-backup.ts';
import { type Pass, lastList, listFile, uploadList } from './bucket-lists.ts';
import type { BucketToCut } from './cut-buckets.ts';
import { reportingFailed } from './report-failed.ts';
import { copyByAllUnits } from './share-copy.ts';

/** What the second pass over the buckets needs from the first one. */
interface PreCopy {
  /** Whether a set may need the versions that are replaced in the mirror. */
  readonly archive: boolean;
  /** For each bucket, its part of the newest set that has it. */
  readonly before: ReadonlyMap<string, BucketBackup>;
  /** When S3 got the lists of those sets; without those that cannot be read. */
  readonly lastListed: ReadonlyMap<string, Date>;
  /** One limit for both passes. */
  readonly bandwidth: Bandwidth;
  readonly passes: ReadonlyMap<string, BucketPass>;
}

/**
 * Copies what changed since the last set while everything still runs, so that the second pass,
 * which makes the set, has little to copy.
 */
export const preCopyBuckets = async (backup: Backup, cancelled: AbortSignal): Promise<PreCopy> => {
  const { ready, world, config, timeline } = backup;
  const { target, sources } = ready;
  const names = sources.map(({ bucket }) => bucket);
  const archive = await hasAnySet(target);
  const before = await newestOfBuckets(target, names);
  const bandwidth = createBandwidth(config.bandwidthLimit, world.clock);
  await using threads = openCopyThreads(world, config, { buckets: names });
  const shared =
    ready.otherUnits.length > 0
      ? await timeline.during(`pre-copy of ${listText(names)}`, 'MinIO and S3', () =>
          copyTogether(backup, { archive, before, threads, signal: cancelled }),
        )
      : undefined;
  // Other units do not tell what came back.
  if (shared !== undefined)
    return { archive, before, lastListed: new Map(), bandwidth, passes: shared };
  const passes = new Map<string, BucketPass>();
  const lastListed = new Map<string, Date>();
  for (const source of sources) {
    const last = await lastList(backup, before.get(source.bucket));
    if (last) lastListed.set(source.bucket, last.written);
    const baseline = last && readListFile(last.file, last.part.list.key);
    const plan = { archive, before, lastListed, bandwidth, threads };
    const pass = await timeline.during(`pre-copy of ${source.bucket}`, 'MinIO and S3', () =>
      copyOne(backup, source, { ...plan, baseline, pass: 'pre-copy', signal: cancelled }),
    );
    passes.set(source.bucket, pass);
    await rm(listFile(backup, source.bucket, 'last'), { force: true });
  }
  return { archive, before, lastListed, bandwidth, passes };
};

/** All buckets at once, with the other units; undefined when there is too little for them. */
const copyTogether = async (
  backup: Backup,
  sharing: Pick<PreCopy, 'archive' | 'before'> & {
    readonly threads: CopyThreads;
    readonly signal: AbortSignal;
  },
): Promise<PreCopy['passes'] | undefined> => {
  const buckets: BucketToCut[] = [];
  for (const source of backup.ready.sources)
    buckets.push({ source, last: await lastList(backup, sharing.before.get(source.bucket)) });
  const passes = await reportingFailed(backup, () =>
    copyByAllUnits(backup, {
      ...{ ...sharing, buckets },
      listFile: (bucket) => listFile(backup, bucket, 'pre-copy'),
    }),
  );
  for (const { last } of buckets) if (last !== undefined) await rm(last.file, { force: true });
  if (passes !== undefined)
    for (const [bucket, pass] of passes)
      await backup.world.progress.note(`bucket ${bucket}: ${passText(pass)}`);
  return passes;
};

/**
 * Copies what changed since the pre-copy, and writes the object list of the set for each bucket.
 * `quietSince` is when the backup of the databases and ML Metadata began. `written` tells of each
 * bucket that was written to since then: the databases may not know of these objects.
 */
export const copyChangesOfBuckets = async (
  backup: Backup,
  preCopy: PreCopy,
  quietSince: Date,
): Promise<{ readonly buckets: readonly BucketBackup[]; readonly written: readonly string[] }> => {
  const { world, config, timeline, ready } = backup;
  const buckets: BucketBackup[] = [];
  const written: string[] = [];
  const names = ready.sources.map(({ bucket }) => bucket);
  await using threads = openCopyThreads(world, config, { buckets: names });
  for (const source of ready.sources) {
    const { bucket } = source;
    const baseline = readListFile(
      listFile(backup, bucket, 'pre-copy'),
      `of the pre-copy of ${bucket}`,
    );
    const first = preCopy.passes.get(bucket);
    const second = await timeline.during(`changes of ${bucket}`, 'MinIO and S3', () =>
      copyOne(backup, source, {
        ...preCopy,
        ...{ baseline, pass: 'changes', quietSince, threads, signal: world.signal },
      }),
    );
    if (second.written.count > 0)
      written.push(
        `Bucket ${bucket} (${countText(second.written.count, 'object')} written during the backup: ${second.written.first.join(', ')})`,
      );
    buckets.push({
      bucket,
      list: await uploadList(backup, bucket),
      objects: second.listed,
      size: second.bytes,
      copied: second.copied + (first?.copied ?? 0),
      bytesCopied: second.bytesCopied + (first?.bytesCopied ?? 0),
      archived: second.archived + (first?.archived ?? 0),
      vanished: second.vanished,
      ...(second.tagsListed > 0 && { tagsListed: second.tagsListed }),
      ...(second.tagsUnreadable > 0 && { tagsUnreadable: second.tagsUnreadable }),
      noneCameBackSince: noneCameBackSince(backup, preCopy.before.get(bucket), [first, second]),
      seconds: second.seconds + (first?.seconds ?? 0),
    });
  }
  return { buckets, written };
};

/** See `BucketBackup.noneCameBackSince`. */
const noneCameBackSince = (
  { id, layout }: Backup,
  last: BucketBackup | undefined,
  passes: readonly (BucketPass | undefined)[],
): BackupId =>
  last && passes.every((pass) => pass?.cameBack === 0)
    ? (last.noneCameBackSince ?? setOfObjectList(layout, last.list.key) ?? id)
    : id;

interface PassPlan extends Omit<PreCopy, 'passes'> {
  readonly baseline: AsyncIterable<ListedObject> | undefined;
  readonly pass: Pass;
  readonly quietSince?: Date;
  readonly threads: CopyThreads;
  readonly signal: AbortSignal;
}

const copyOne = async (
  backup: Backup,
  source: Source,
  { archive, before, lastListed, bandwidth, baseline, pass, quietSince, threads, signal }: PassPlan,
): Promise<BucketPass> => {
  const { world, config, ready, layout, request, heartbeat } = backup;
  const { bucket } = source;
  const progress = new ProgressOfBucket(world.clock);
  const done = await reportingFailed(backup, () =>
    heartbeat.during(
      () => `bucket ${bucket}: ${progressText(progress.snapshot())}`,
      () =>
        copyBucket(source, ready.target, {
          mirror: layout.mirror(bucket),
          history: layout.history(bucket),
          baseline,
          lastListed: lastListed.get(bucket),
          list: listFile(backup, bucket, pass),
          archive,
          keepsTags: ready.server.tags === 'kept',
          confirmListed: pass === 'changes',
          quietSince,
          mayWrite: () => backup.stillOurs(),
          previousCount: before.get(bucket)?.objects,
          allowShrink: request.allowShrink,
          transfers: config.transfers,
          threads,
          bandwidth,
          clock: world.clock,
          signal,
          progress,
        }),
    ),
  );
  await world.progress.note(`bucket ${bucket}: ${passText(done)}`);
  return done;
};

const passText = ({
  listed,
  copied,
  bytesCopied,
  archived,
  vanished,
  tagsListed,
  tagsUnreadable,
  seconds,
}: BucketPass): string =>
  [
    countText(listed, 'object'),
    `${copied} copied (${sizeText(bytesCopied)})`,
    ...(archived > 0 ? [`${archived} older versions kept`] : []),
    ...(vanished > 0 ? [`${vanished} vanished meanwhile`] : []),
    ...(tagsListed > 0 ? [`the tags of ${tagsListed} kept in the object list`] : []),
    ...(tagsUnreadable > 0
      ? [`${tagsUnreadable} copied without their tags, which the source cannot read`]
      : []),
    `in ${durationText(seconds)}`,
  ].join(', ');
