import type { ApplicationStatus, JujuModel, World } from '../world.ts';
import type { Heartbeat } from './heartbeat.ts';
import { holdScale, type HeldScale } from './hold-scale.ts';
import { waitForScale } from './wait-for-scale.ts';

/** The part of a backup or a restore that is needed to stop the metadata writer. */
interface WriterStopper {
  readonly world: Pick<World, 'clock' | 'journal' | 'progress'>;
  readonly ready: {
    readonly juju: JujuModel;
    readonly plan: { readonly metadataWriter: ApplicationStatus | undefined };
  };
  readonly request: { readonly timeoutSeconds: number };
  readonly heartbeat: Heartbeat;
  readonly terminating: AbortSignal;
  hold(scale: HeldScale): void;
}

/**
 * Scales kfp-metadata-writer to 0, as the guide does while ML Metadata is dumped or restored, and
 * waits until its unit has gone, or until `cancelled` fires. The caller puts the returned scale
 * back; the backup or restore does so at the latest.
 */
export const stopMetadataWriter = async (
  stopper: WriterStopper,
  { doing, cancelled }: { readonly doing: string; readonly cancelled: AbortSignal },
): Promise<HeldScale | undefined> => {
  const { world, ready, request, heartbeat } = stopper;
  const writer = ready.plan.metadataWriter;
  if (writer === undefined) return undefined;
  await world.progress.note(
    `${writer.name}: scaling from ${writer.scale} to 0 while ML Metadata is ${doing}`,
  );
  const scales = {
    juju: ready.juju,
    journal: world.journal,
    clock: world.clock,
    signal: stopper.terminating,
  };
  const held = await holdScale(scales, writer, 0, request.timeoutSeconds);
  stopper.hold(held);
  await heartbeat.during(
    () => `${writer.name}: waiting for its unit to go`,
    () =>
      waitForScale(scales, writer.name, {
        units: 0,
        timeoutSeconds: request.timeoutSeconds,
        signal: cancelled,
      }),
  );
  return held;
};
