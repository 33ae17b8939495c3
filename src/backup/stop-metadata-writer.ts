import type { Backup } from './begin-backup.ts';
import { holdScale, waitForScale, type HeldScale } from './hold-scale.ts';

/**
 * Scales kfp-metadata-writer to none, as the guide does while ML Metadata is dumped, and waits until its unit has gone. The one who gets the
 * scale puts it back; the backup does so at the latest.
 */
export const stopMetadataWriter = async (backup: Backup): Promise<HeldScale | undefined> => {
  const { world, ready, request, heartbeat } = backup;
  const writer = ready.plan.metadataWriter;
  if (writer === undefined) return undefined;
  await world.progress.note(
    `${writer.name}: scaling from ${writer.scale} to 0 while ML Metadata is dumped`,
  );
  const scales = {
    juju: ready.juju,
    journal: world.journal,
    clock: world.clock,
    signal: world.signal,
  };
  const held = await holdScale(scales, writer, 0, request.timeoutSeconds);
  backup.hold(held);
  await heartbeat.during(
    () => `${writer.name}: waiting for its unit to go`,
    () => waitForScale(scales, writer.name, 0, request.timeoutSeconds, world.signal),
  );
  return held;
};
