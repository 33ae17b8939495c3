import { holdScale, type HeldScale } from '../operation/hold-scale.ts';
import { losesLowestUnit } from '../operation/leaving-units.ts';
import { sideBySide } from '../operation/side-by-side.ts';
import { waitForScale } from '../operation/wait-for-scale.ts';
import { countText, durationText } from '../text.ts';
import type { DatabasePlan } from './applications.ts';
import type { Backup } from './begin-backup.ts';

/** The scales that were changed, by the name of the application. */
export type SecondUnits = ReadonlyMap<string, HeldScale>;

/**
 * Gives each database the units that it has while it is backed up, all of them side by side, and
 * waits until Juju calls them ready. The backup puts the scales back at the latest.
 */
export const addSecondUnits = async (
  backup: Backup,
  cancelled: AbortSignal,
): Promise<SecondUnits> => {
  const few = backup.ready.plan.databases.filter(
    ({ application, units }) => units !== application.scale,
  );
  const held = await sideBySide(
    cancelled,
    few.map((plan) => async (signal: AbortSignal) => {
      const { name } = plan.application;
      const scale = await backup.timeline.during(`second unit of ${name}`, 'Juju', () =>
        scaleUp(backup, plan, signal),
      );
      return [name, scale] as const;
    }),
  );
  return new Map(held);
};

const scaleUp = async (
  backup: Backup,
  { application: { name, scale }, application, units, timeoutSeconds }: DatabasePlan,
  cancelled: AbortSignal,
): Promise<HeldScale> => {
  const { heartbeat, terminating: signal } = backup;
  const { juju } = backup.ready;
  const { progress, journal, clock } = backup.world;
  await progress.note(`${name}: scaling from ${scale} to ${countText(units, 'unit')}`);
  if (losesLowestUnit(juju))
    await progress.note(
      `${name}: this Juju takes the lowest unit away when the scale is put back, which may be the one that serves the writes. With database-units=1 nothing is scaled.`,
    );
  cancelled.throwIfAborted();
  const held = await holdScale(
    { juju, journal, clock, signal },
    application,
    units,
    timeoutSeconds,
  );
  backup.hold(held);
  const started = clock.now().getTime();
  await heartbeat.during(
    () =>
      `${name}: waiting for ${countText(units, 'unit')} (${durationText((clock.now().getTime() - started) / 1000)})`,
    () => waitForScale({ juju, clock }, name, { units, timeoutSeconds, signal: cancelled }),
  );
  return held;
};
