import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { Source } from '../world.ts';
import { createBandwidth, type Bandwidth } from '../components/buckets/bandwidth.ts';
import type { Backup } from './begin-backup.ts';
import {
  failedLines,
  ObjectsFailed,
  copyBucket,
  type BucketPass,
} from '../components/buckets/mirror-bucket.ts';
import { ProgressOfBucket, progressText } from '../components/buckets/progress.ts';
import { findLastSet } from '../repository/sets.ts';
import type { BackupManifest, BucketBackup } from '../repository/manifest.ts';
import {
  openObjectList,
  readObjectList,
  uploadObjectList,
  type ListedObject,
} from '../repository/object-list.ts';
import { countText, durationText, sizeText } from '../text.ts';

/** What the first pass over the buckets found and did, for the second one. */
interface PreCopy {
  /** The newest complete set before this backup. */
  readonly lastSet: BackupManifest | undefined;
  /** One limit for both passes. */
  readonly bandwidth: Bandwidth;
  readonly passes: ReadonlyMap<string, BucketPass>;
}

/** Copies what changed since the last set while everything still runs, so that little is left for the pass that counts. */
export const preCopyBuckets = async (backup: Backup): Promise<PreCopy> => {
  const { ready, world, config, layout } = backup;
  const lastSet = await findLastSet(ready.target, layout);
  const bandwidth = createBandwidth(config.bandwidthLimit, world.clock);
  const passes = new Map<string, BucketPass>();
  for (const source of ready.sources) {
    const listed = lastSet?.buckets.find(({ bucket }) => bucket === source.bucket);
    const baseline = listed && openObjectList(ready.target.store, listed.list.key);
    passes.set(
      source.bucket,
      await copyOne(backup, source, { lastSet, bandwidth }, baseline, 'pre-copy'),
    );
  }
  return { lastSet, bandwidth, passes };
};

/** Copies what changed since the pre-copy, and writes the object list of the set for each bucket. */
export const copyChangesOfBuckets = async (
  backup: Backup,
  preCopy: PreCopy,
): Promise<BucketBackup[]> => {
  const backups: BucketBackup[] = [];
  for (const source of backup.ready.sources) {
    const { bucket } = source;
    const baseline = readObjectList(
      createReadStream(listFile(backup, bucket, 'pre-copy')),
      `of the pre-copy of ${bucket}`,
    );
    const first = preCopy.passes.get(bucket);
    const second = await copyOne(backup, source, preCopy, baseline, 'changes');
    backups.push({
      bucket,
      list: await uploadList(backup, bucket),
      objects: second.listed,
      size: second.bytes,
      copied: second.copied + (first?.copied ?? 0),
      bytesCopied: second.bytesCopied + (first?.bytesCopied ?? 0),
      archived: second.archived + (first?.archived ?? 0),
      vanished: second.vanished,
      seconds: second.seconds + (first?.seconds ?? 0),
    });
  }
  return backups;
};

type Pass = 'pre-copy' | 'changes';

const copyOne = async (
  backup: Backup,
  source: Source,
  { lastSet, bandwidth }: Omit<PreCopy, 'passes'>,
  baseline: AsyncIterable<ListedObject> | undefined,
  pass: Pass,
): Promise<BucketPass> => {
  const { world, config, ready, layout, request, heartbeat } = backup;
  const { bucket } = source;
  const progress = new ProgressOfBucket(world.clock);
  try {
    const done = await heartbeat.during(
      () => `bucket ${bucket}: ${progressText(progress.snapshot())}`,
      () =>
        copyBucket(source, ready.target, {
          mirror: layout.mirror(bucket),
          history: layout.history(bucket),
          baseline,
          list: listFile(backup, bucket, pass),
          archive: lastSet !== undefined,
          previousCount: lastSet?.buckets.find((listed) => listed.bucket === bucket)?.objects,
          allowShrink: request.allowShrink,
          transfers: config.transfers,
          bandwidth,
          clock: world.clock,
          signal: world.signal,
          progress,
        }),
    );
    await world.progress.note(`bucket ${bucket}: ${passText(done)}`);
    return done;
  } catch (error) {
    if (error instanceof ObjectsFailed) await reportFailed(backup, error);
    throw error;
  }
};

const passText = ({
  listed,
  copied,
  bytesCopied,
  archived,
  vanished,
  seconds,
}: BucketPass): string =>
  [
    countText(listed, 'object'),
    `${copied} copied (${sizeText(bytesCopied)})`,
    ...(archived > 0 ? [`${archived} older versions kept`] : []),
    ...(vanished > 0 ? [`${vanished} vanished meanwhile`] : []),
    `in ${durationText(seconds)}`,
  ].join(', ');

const listFile = ({ scratch }: Backup, bucket: string, pass: Pass): string =>
  join(scratch, `${bucket}.${pass}.ndjson.gz`);

const uploadList = async (backup: Backup, bucket: string): Promise<BucketBackup['list']> => {
  const key = backup.layout.objectList(backup.id, bucket);
  backup.removeUnlessCommitted(key);
  const { size, sha256 } = await uploadObjectList(
    backup.ready.target.store,
    key,
    listFile(backup, bucket, 'changes'),
  );
  return { key, size, sha256 };
};

/** The message names ten keys at most; all of them are in S3. That this can fail too must not hide why the backup did. */
const reportFailed = async (
  { ready, layout, id }: Backup,
  { failed }: ObjectsFailed,
): Promise<void> => {
  await ready.target.store
    .put(layout.failedObjects(id), failedLines(failed))
    .catch(() => undefined);
};
