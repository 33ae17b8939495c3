import { dumpMlmd } from '../components/mlmd/dump.ts';
import { stopMetadataWriter } from '../operation/metadata-writer.ts';
import type { MlmdBackup } from '../repository/manifest.ts';
import { countText, durationText, sizeText, sum } from '../text.ts';
import type { Backup } from './begin-backup.ts';

/**
 * Dumps ML Metadata to S3 while kfp-metadata-writer is stopped, and proves the dump. Undefined when
 * it is not a component.
 */
export const backUpMlmd = async (backup: Backup): Promise<MlmdBackup | undefined> => {
  const { world, ready, layout, id, heartbeat } = backup;
  const { clock, progress } = world;
  if (ready.plan.mlmd === undefined) return undefined;
  const application = ready.plan.mlmd.name;
  const started = clock.now().getTime();
  const elapsed = (): number => (clock.now().getTime() - started) / 1000;

  const writer = await stopMetadataWriter(backup);
  const key = layout.mlmdDump(id);
  backup.removeUnlessCommitted(key);
  const dump = await heartbeat.during(
    () => `${application}: dumping and proving its database (${durationText(elapsed())})`,
    () =>
      dumpMlmd(
        {
          kubernetes: ready.kubernetes,
          store: ready.target.store,
          scratch: backup.scratch,
          clock,
          signal: world.signal,
          note: (message) => progress.note(message),
        },
        { application, key },
      ),
  );
  // A failure is reported when all scales are put back at the end.
  writer?.putBack().catch(() => undefined);
  const { way, ...stored } = dump;
  const total = sum(Object.values(stored.rows));
  await progress.note(
    `${application}: ${countText(total, 'row')} in ${sizeText(stored.size)}, read with ${way} and proven after ${durationText(elapsed())}`,
  );
  return { application, ...stored, way, seconds: elapsed() };
};
