import { CharmError, type ErrorCode, errorCodes } from '../errors.ts';
import { durationText, sizeText } from '../text.ts';
import type { Attempt, LastBackup, Status } from '../world.ts';
import {
  nextOfVolumes,
  nextText,
  scheduledFailure,
  volumesFailure,
  waitingText,
} from './schedule-text.ts';
import type { ScheduleReport } from './schedule.ts';
import { statusText } from './status-text.ts';

/** What a unit's status depends on. Each problem is undefined when there is none. */
export interface Facts {
  readonly application: string;
  /** A scale that is still to be put back, and what keeps us from the Juju controller. */
  readonly controller: readonly CharmError[];
  readonly journal: CharmError | undefined;
  readonly options: readonly CharmError[];
  readonly trust: CharmError | undefined;
  readonly s3: CharmError | undefined;
  readonly objectStorage: CharmError | undefined;
  /** Problems that an action has just found, and hooks do not look for. */
  readonly action: readonly CharmError[];
  /** The newest that is known, whichever unit made it. */
  readonly lastBackup: LastBackup | undefined;
  /** Undefined without a schedule, or when it is not known. */
  readonly schedule?: ScheduleReport | undefined;
  readonly volumesSchedule?: ScheduleReport | undefined;
  readonly lastAttempt: Attempt | undefined;
  /** What is wrong with metrics, on which no backup depends. */
  readonly metrics?: string | undefined;
}

/**
 * The most urgent first: problems that an operator must solve, then those that may pass by
 * themselves, then when the last backup was made.
 */
export const statusOf = (facts: Facts): Status => {
  const { lastBackup, schedule, volumesSchedule, metrics } = facts;
  const problems = problemsIn(facts);
  const blocking = problems.find(({ code }) => errorCodes[code] === 'operator');
  const passing = problems.filter(({ code }) => errorCodes[code] === 'transient');
  // A relation that lacks something, such as keys, can be completed by the operator. A server that
  // is away comes back by itself.
  const waiting = passing.find(({ code }) => code === 'relation-incomplete') ?? passing[0];
  const problem = blocking ?? waiting;
  if (problem !== undefined)
    return {
      name: blocking === undefined ? 'waiting' : 'blocked',
      message: statusText(problem, problems.length - 1),
    };
  const due =
    (schedule && waitingText(schedule)) ??
    (volumesSchedule && waitingText(volumesSchedule, 'Backup of volumes'));
  if (due !== undefined) return { name: 'waiting', message: due };
  const next = [
    ...(schedule === undefined ? [] : nextText(schedule)),
    ...(volumesSchedule === undefined ? [] : nextOfVolumes(volumesSchedule)),
  ];
  const notes = `${interruptedAttempt(facts)}${metrics === undefined ? '' : `; ${metrics}`}`;
  if (lastBackup === undefined)
    return {
      name: 'active',
      message: [`Ready${notes}; no backup is known yet`, ...next].join(', '),
    };
  const { id, bytes, consistent, verified, verifiedAt, restoreSeconds } = lastBackup;
  const words = [
    `Ready${notes}; last backup ${id}`,
    sizeText(bytes),
    ...(consistent ? [] : ['not consistent']),
    ...(restoreSeconds === undefined ? [] : [`restore ${durationText(restoreSeconds)}`]),
    ...(verified === undefined
      ? []
      : [`verified ${verified}${verifiedAt === undefined ? '' : ` ${verifiedAt.slice(0, 10)}`}`]),
    ...next,
  ];
  return { name: 'active', message: words.join(', ') };
};

/**
 * What still has to be put back comes first, then the permissions that everything needs, then
 * missing relations. Each problem comes once.
 */
const problemsIn = (facts: Facts): readonly CharmError[] => {
  const { controller, journal, options, trust, s3, objectStorage, action } = facts;
  const { schedule, volumesSchedule, lastBackup } = facts;
  const found = [
    ...[...controller, journal, ...options, trust, s3, objectStorage],
    ...[...action, damaged(facts), schedule?.problem],
    failedAttempt(facts) ?? (schedule && scheduledFailure(schedule, lastBackup)),
    // The last, because a user can bring the backup of the own volume to fail.
    ...[volumesSchedule?.problem, volumesSchedule && volumesFailure(volumesSchedule)],
  ];
  return [
    ...new Map(
      found.flatMap((problem) =>
        problem === undefined ? [] : [[`${problem.code} ${problem.message}`, problem]],
      ),
    ).values(),
  ];
};

/**
 * The problem when the last backup failed, until one succeeds. Just after the action, its own error
 * is shown instead.
 */
const failedAttempt = ({ application, lastAttempt, action }: Facts): CharmError | undefined => {
  if (lastAttempt?.outcome !== 'failed' || action.length > 0) return undefined;
  const code = codeNamed(lastAttempt.code);
  if (code === undefined || code === 'stopped' || errorCodes[code] === 'transient')
    return undefined;
  const { at, task } = lastAttempt;
  return new CharmError(
    code,
    `The backup that began at ${at} failed, and no set of it is listed. Why stands in: juju show-task ${task}.` +
      ` When the cause is gone: juju run ${application}/leader backup-control-plane`,
    { brief: { what: `The backup of ${minuteOf(at)} failed`, run: `juju show-task ${task}` } },
  );
};

/**
 * The note about a backup that was killed, or failed for a reason that passes by itself. It does
 * not block the unit.
 */
const interruptedAttempt = ({ lastAttempt }: Facts): string => {
  if (lastAttempt === undefined || lastAttempt.outcome === 'succeeded') return '';
  const { at, task, outcome, code } = lastAttempt;
  const failed = code === 'stopped' ? 'was stopped' : 'failed';
  const ended = outcome === 'begun' ? 'was interrupted' : failed;
  return `; the backup of ${minuteOf(at)} ${ended} (juju show-task ${task})`;
};

const codeNamed = (name: string | undefined): ErrorCode | undefined =>
  name !== undefined && name in errorCodes ? (name as ErrorCode) : undefined;

/** `2026-11-26 10:49Z` */
const minuteOf = (at: string): string => `${at.slice(0, 16).replace('T', ' ')}Z`;

/** The problem when verify-backup found the last backup damaged. */
const damaged = ({ application, lastBackup }: Facts): CharmError | undefined =>
  lastBackup?.verified === 'damaged'
    ? new CharmError(
        'set-damaged',
        `The last backup, ${lastBackup.id}, is damaged. Run: juju run ${application}/leader backup-control-plane`,
        {
          brief: {
            what: 'The last backup is damaged',
            run: `juju run ${application}/leader backup-control-plane`,
          },
        },
      )
    : undefined;
