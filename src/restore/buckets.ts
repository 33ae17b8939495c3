import { createBandwidth } from '../components/buckets/bandwidth.ts';
import { ProgressOfBucket, progressText } from '../components/buckets/progress.ts';
import { countText, durationText, sizeText } from '../text.ts';
import type { Restore } from './begin-restore.ts';
import { bringBack } from '../components/buckets/bring-back.ts';
import { settleBucket } from '../components/buckets/difference.ts';
import { openStoredSet } from '../components/buckets/stored-set.ts';

/** Sizes are bytes. */
export interface RestoredBucket {
  readonly bucket: string;
  readonly objects: number;
  readonly size: number;
  readonly copied: number;
  readonly bytesCopied: number;
  /** Objects that the set does not know: deleted, or left alone. */
  readonly extra: number;
  readonly seconds: number;
}

/** Brings the objects of every bucket of the set back, and looks at the bucket once more when it has. */
export const restoreBuckets = async (restore: Restore): Promise<RestoredBucket[]> => {
  const { world, config, request, ready, heartbeat } = restore;
  const { clock, signal } = world;
  const bandwidth = createBandwidth(config.bandwidthLimit, clock);
  const restored: RestoredBucket[] = [];
  for (const source of ready.sources) {
    const { bucket } = source;
    const backup = ready.manifest.buckets.find((one) => one.bucket === bucket);
    if (backup === undefined) throw new TypeError(`the set has no bucket ${bucket}`);
    const started = clock.now().getTime();
    const progress = new ProgressOfBucket(clock);
    const set = openStoredSet(ready.target.store, ready.layout, backup);
    const done = await heartbeat.during(
      () => `bucket ${bucket}: ${progressText(progress.snapshot())}`,
      () =>
        bringBack(set, source, {
          transfers: config.transfers,
          ...{ bandwidth, clock, signal, progress },
        }),
    );
    const extra = await heartbeat.during(
      () => `bucket ${bucket}: comparing it with the set`,
      () =>
        settleBucket(() => set.list(), source, {
          otherEtags: done.otherEtags,
          deleteExtra: request.deleteExtra,
          forget: (key) => {
            set.forget(key);
          },
          signal,
        }),
    );
    const seconds = (clock.now().getTime() - started) / 1000;
    const { objects, size, copied, bytesCopied } = done;
    await world.progress.note(
      `bucket ${bucket}: ${countText(objects, 'object')}, ${copied} brought back (${sizeText(bytesCopied)}), ${extra} that the set does not know` +
        ` ${request.deleteExtra ? 'deleted' : 'kept'}, in ${durationText(seconds)}`,
    );
    restored.push({ bucket, objects, size, copied, bytesCopied, extra, seconds });
  }
  return restored;
};
