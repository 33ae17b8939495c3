import { dumpMlmd } from '../components/mlmd/dump.ts';
import type { HeldScale } from '../operation/hold-scale.ts';
import { stopMetadataWriter } from '../operation/metadata-writer.ts';
import type { MlmdBackup } from '../repository/manifest.ts';
import { countText, durationText, sizeText, sum } from '../text.ts';
import type { Backup } from './begin-backup.ts';

/**
 * Takes a snapshot of ML Metadata while kfp-metadata-writer is stopped, dumps it to S3 when that
 * runs again, and proves the dump. Undefined when it is not a component.
 */
export const backUpMlmd = async (
  backup: Backup,
  cancelled: AbortSignal,
): Promise<MlmdBackup | undefined> => {
  const { world, ready, layout, id, heartbeat, timeline } = backup;
  const { clock, progress } = world;
  if (ready.plan.mlmd === undefined) return undefined;
  const application = ready.plan.mlmd.name;
  const started = clock.now().getTime();
  const elapsed = (): number => (clock.now().getTime() - started) / 1000;

  const name = ready.plan.metadataWriter?.name ?? '';
  const writer = await timeline.during(`${name} stops`, 'Juju', () =>
    stopMetadataWriter(backup, { doing: 'dumped', cancelled }),
  );
  const key = layout.mlmdDump(id);
  backup.removeUnlessCommitted(key);
  const { promise: snapshot, resolve: onSnapshot } = Promise.withResolvers<undefined>();
  const over = (): void => {
    onSnapshot(undefined);
  };
  // A failure is reported when all scales are put back at the end.
  if (writer) startAgain(backup, name, writer, snapshot).catch(() => undefined);
  const dump = await timeline
    .during(`dump of ${application}`, 'Kubernetes and S3', () =>
      heartbeat.during(
        () => `${application}: dumping and proving its database (${durationText(elapsed())})`,
        () =>
          dumpMlmd(
            {
              kubernetes: ready.kubernetes,
              store: ready.target.store,
              scratch: backup.scratch,
              clock,
              signal: cancelled,
              note: (message) => progress.note(message),
            },
            { application, key, onSnapshot: over },
          ),
      ),
    )
    .finally(over);
  const { way, ...stored } = dump;
  const total = sum(Object.values(stored.rows));
  await progress.note(
    `${application}: ${countText(total, 'row')} in ${sizeText(stored.size)}, read with ${way} and proven after ${durationText(elapsed())}`,
  );
  return { application, ...stored, way, seconds: elapsed() };
};

/** What is written after the snapshot is not in the dump, so the writer may run again. */
const startAgain = async (
  { world, timeline }: Backup,
  name: string,
  writer: HeldScale,
  snapshot: Promise<unknown>,
): Promise<void> => {
  const gone = world.clock.now().getTime();
  await timeline.during(`${name} is down`, 'the snapshot and Juju', async () => {
    await snapshot;
    await writer.putBack();
  });
  const seconds = (world.clock.now().getTime() - gone) / 1000;
  await world.progress.note(`${name}: was down for ${durationText(seconds)}`);
};
