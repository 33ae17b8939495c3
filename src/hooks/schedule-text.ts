import { CharmError } from '../errors.ts';
import type { Waiting } from '../schedule/decision.ts';
import { countText, secondText } from '../text.ts';
import type { LastBackup } from '../world.ts';
import type { ScheduleReport } from './schedule.ts';

/** The texts about the schedule in a unit's status, which has room for about 120 characters. */

/** The next backup, as the end of a sentence about the last one. */
export const nextText = ({ paused, next }: ScheduleReport): readonly string[] => {
  if (paused) return ['schedule paused'];
  return next === undefined ? [] : [`next ${secondText(next)}`];
};

/** The same of users' volumes, and how many backups of them were missed since the last one. */
export const nextOfVolumes = ({ paused, next, missed = 0 }: ScheduleReport): readonly string[] => [
  ...(paused ? ['volumes paused'] : []),
  // Without the seconds, which are always 0, so that all of it is shown.
  ...(next === undefined ? [] : [`volumes next ${next.toISOString().slice(0, 16)}Z`]),
  ...(missed === 0 ? [] : [`${missed} missed`]),
];

/** Why a backup that is due waits; undefined when none does. */
export const waitingText = (
  { waiting }: ScheduleReport,
  what: 'Backup' | 'Backup of volumes' = 'Backup',
): string | undefined =>
  waiting && `${what} of ${secondText(waiting.slot)} ${hindranceText(waiting)}`;

/** The scheduled backup of volumes that failed last, until one begins. */
export const volumesFailure = ({ failed }: ScheduleReport): CharmError | undefined =>
  failed &&
  new CharmError(
    'scheduled-backup-failed',
    `The backup of volumes of ${secondText(failed.slot)} failed. Run: juju show-task ${failed.task}`,
    {
      brief: {
        what: `The backup of volumes of ${secondText(failed.slot)} failed`,
        run: `juju show-task ${failed.task}`,
      },
    },
  );

/** The scheduled backup that failed last, until one succeeds. */
export const scheduledFailure = (
  { failed }: ScheduleReport,
  lastBackup: LastBackup | undefined,
): CharmError | undefined => {
  if (failed === undefined) return undefined;
  const slot = secondText(failed.slot);
  if (lastBackup !== undefined && lastBackup.id >= slot) return undefined;
  return new CharmError(
    'scheduled-backup-failed',
    `The backup of ${slot} failed. Run: juju show-task ${failed.task}`,
  );
};

const hindranceText = ({ hindrance, until }: Waiting): string => {
  const end = secondText(until);
  switch (hindrance.kind) {
    case 'retry':
      return `failed; attempt ${hindrance.attempt} at ${end}`;
    case 'task':
      return `waits for task ${hindrance.task}, until ${end}`;
    case 'excluded':
      return `waits until ${secondText(hindrance.until)} (schedule-exclude)`;
    case 'busy':
      return `waits for ${countText(hindrance.running.length, 'workload')} to end, until ${end}`;
    case 'occupied':
      return `waits for another operation, until ${end}`;
    case 'unreachable':
      return `waits for Juju's controller, until ${end}`;
  }
};
