import { join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { createBandwidth } from '../components/buckets/bandwidth.ts';
import { bringBack, type BringBack } from '../components/buckets/bring-back.ts';
import { confirmBroughtBack } from '../components/buckets/difference.ts';
import { ProgressOfBucket, progressText } from '../components/buckets/progress.ts';
import { partOf, workOf } from '../components/buckets/shards/cut-list.ts';
import { openStoredSet } from '../components/buckets/stored-set.ts';
import { openCopyThreads } from '../components/buckets/threads/copy-threads.ts';
import { CharmError, orProblem } from '../errors.ts';
import { isBackupId } from '../repository/layout.ts';
import { countText, durationText, sizeText } from '../text.ts';
import type { Restore } from './begin-restore.ts';
import { bringBackByAllUnits } from './share-restore.ts';

/** Sizes are bytes. */
export interface RestoredBucket {
  readonly bucket: string;
  readonly objects: number;
  readonly size: number;
  readonly copied: number;
  readonly bytesCopied: number;
  /** Objects of the bucket that the set does not have: deleted, or left alone. */
  readonly extra: number;
  /** Objects that came back without their tags, because the bucket does not take these. */
  readonly untagged: number;
  /** Objects whose backup is lost or damaged, so that they could not be brought back. */
  readonly lost: BringBack['lost'];
  /**
   * The key of the list of all of them; undefined when there are none, or it could not be written.
   */
  readonly lostList?: string;
  readonly seconds: number;
}

/**
 * Brings back the objects of every bucket of the set, with the other units when there are some and
 * there is enough to do, and then compares the bucket with the set once more.
 */
export const restoreBuckets = async (restore: Restore): Promise<RestoredBucket[]> => {
  const { world, config, request, ready, heartbeat } = restore;
  const { clock, signal } = world;
  const bandwidth = createBandwidth(config.bandwidthLimit, clock);
  const restored: RestoredBucket[] = [];
  const began = clock.now().getTime();
  await using threads = openCopyThreads(world, config, {
    buckets: ready.sources.map(({ bucket }) => bucket),
    asOf: request.asOf,
  });
  const shared = await bringBackByAllUnits(restore, { bandwidth, threads });
  const secondsShared = (clock.now().getTime() - began) / 1000;
  const works = ready.sources.map(({ bucket }) => {
    const { objects, bytesCopied } = shared?.get(bucket) ?? { objects: 0, bytesCopied: 0 };
    return workOf(objects, bytesCopied);
  });
  for (const [index, source] of ready.sources.entries()) {
    const { bucket, backup } = source;
    const started = clock.now().getTime();
    const progress = new ProgressOfBucket(clock);
    const set = openStoredSet(ready.stored.store, ready.layout, backup);
    const done =
      shared?.get(bucket) ??
      (await heartbeat.during(
        () => `bucket ${bucket}: ${progressText(progress.snapshot())}`,
        () =>
          bringBack(set, source, {
            ...{ transfers: config.transfers, threads },
            scratch: join(restore.scratch, `${bucket}.exceptions.ndjson.gz`),
            allowDamaged: request.allowDamaged,
            ...{ bandwidth, clock, signal, progress },
          }),
      ));
    const extra = await heartbeat.during(
      () => `bucket ${bucket}: comparing it with the set`,
      () =>
        confirmBroughtBack(() => set.list(), source, {
          exceptions: () => done.exceptions(),
          deleteExtra: request.deleteExtra,
          forget: (key) => {
            set.forget(key);
          },
          signal,
        }),
    );
    const seconds = secondsShared * partOf(works, index) + (clock.now().getTime() - started) / 1000;
    const { objects, size, copied, bytesCopied, untagged, lost } = done;
    const lostList = lost.count > 0 ? await uploadLost(restore, bucket, done) : undefined;
    await world.progress.note(
      `bucket ${bucket}: ${countText(objects, 'object')}, ${copied} brought back (${sizeText(bytesCopied)}), ${extra} that the set does not know` +
        ` ${request.deleteExtra ? 'deleted' : 'kept'}, in ${durationText(seconds)}`,
    );
    if (untagged > 0)
      await world.progress.note(
        `bucket ${bucket}: ${countText(untagged, 'object')} came back without their tags, which ${source.store.description} does not take. The object list of the set has them: ${backup.list.key}`,
      );
    restored.push({
      ...{ bucket, objects, size, copied, bytesCopied, untagged, extra, seconds, lost },
      ...(lostList !== undefined && { lostList }),
    });
  }
  return restored;
};

/**
 * A message names ten objects at most, so all of them are written to S3. A failure here must not
 * end the restore.
 */
const uploadLost = async (
  { ready, request, world }: Restore,
  bucket: string,
  done: BringBack,
): Promise<string | undefined> => {
  const { layout, target } = ready;
  if (!isBackupId(request.backupId)) throw new TypeError('the preflight looks at the id');
  const key = layout.lostObjects(request.backupId, bucket);
  const lines = async function* (): AsyncGenerator<string> {
    for await (const { key: name, size, etag, mirrorEtag } of done.exceptions())
      if (mirrorEtag === '') yield `${JSON.stringify({ key: name, size, etag })}\n`;
  };
  // An error of the first stream reaches the reader of the last one.
  const gzipped = pipeline(Readable.from(lines()), createGzip(), () => undefined);
  const problem = await orProblem(() => target.store.upload(key, gzipped));
  if (!(problem instanceof CharmError)) return key;
  await world.progress.note(`The list of lost objects could not be written: ${problem.message}`);
  return undefined;
};
