import { replaceMlmd } from '../components/mlmd/replace.ts';
import { stopMetadataWriter } from '../operation/metadata-writer.ts';
import { countText, durationText, sum } from '../text.ts';
import type { Restore } from './begin-restore.ts';

export interface RestoredMlmd {
  readonly application: string;
  readonly rows: number;
  /** The path in the pod where the old database is kept. */
  readonly kept: string;
  /** `python3` or `copy`. */
  readonly way: string;
  readonly seconds: number;
}

/** Restores ML Metadata while kfp-metadata-writer is stopped. Undefined when it is not restored. */
export const restoreMlmd = async (restore: Restore): Promise<RestoredMlmd | undefined> => {
  const { world, ready, heartbeat, scratch } = restore;
  const { clock, progress, signal } = world;
  const dump = ready.manifest.mlmd;
  const application = ready.plan.mlmd?.name;
  if (dump === undefined || application === undefined) return undefined;
  const started = clock.now().getTime();
  const elapsed = (): number => (clock.now().getTime() - started) / 1000;

  const writer = await stopMetadataWriter(restore, {
    ...{ doing: 'restored', cancelled: restore.world.signal },
  });
  const time = clock.now().toISOString().slice(0, 19).replaceAll(/[T:]/g, '-');
  const kept = `mlmd.db.before-restore-${time}`;
  const { way, folder } = await heartbeat.during(
    () => `${application}: restoring its database (${durationText(elapsed())})`,
    () =>
      replaceMlmd(
        { kubernetes: ready.kubernetes, store: ready.stored.store, scratch, signal },
        { application, dump, kept },
      ),
  );
  await writer?.putBack();
  const total = sum(Object.values(dump.rows));
  await progress.note(
    `${application}: ${countText(total, 'row')} restored with ${way} after ${durationText(elapsed())}; the database that was there is kept as ${folder}/${kept}`,
  );
  return { application, rows: total, kept: `${folder}/${kept}`, way, seconds: elapsed() };
};
