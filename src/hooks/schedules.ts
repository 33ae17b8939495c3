import type { Config } from '../config/config.ts';
import { readVolumesKey } from '../config/volumes-key.ts';
import { CharmError, orProblem } from '../errors.ts';
import type { CharmEvent } from '../event.ts';
import type { Assessment } from './assess.ts';
import { peerRelation } from './known-backups.ts';
import type { ScheduleReport } from './schedule.ts';
import { recallSchedule, rememberSchedule } from './schedule-memory.ts';
import { controlPlane, volumes } from './scheduled-work.ts';
import type { Unit } from './unit.ts';

type Hook = Extract<CharmEvent, { kind: 'hook' }>;

/** Both schedules, for the status. Each is undefined when there is none, or it is not known. */
export interface ScheduleReports {
  readonly schedule?: ScheduleReport | undefined;
  readonly volumesSchedule?: ScheduleReport | undefined;
}

/**
 * Keeps both schedules, on the leader. A wrong option has its default in the config, and nothing is
 * done by a default that nobody asked for.
 */
export const keepSchedules = async (
  unit: Unit,
  hook: Hook,
  { leader, config, optionProblems }: Assessment,
): Promise<ScheduleReports> => {
  if (!leader) return {};
  const { keepSchedule } = await import('./schedule.ts');
  const isWrong = (...begins: readonly string[]): boolean =>
    [...optionProblems.keys()].some((name) => begins.some((begin) => name.startsWith(begin)));
  return {
    schedule: isWrong('schedule')
      ? undefined
      : await keepSchedule(unit, hook, config, controlPlane),
    volumesSchedule: isWrong('schedule', 'volumes')
      ? undefined
      : ((await withoutKey(unit, config)) ?? (await keepSchedule(unit, hook, config, volumes))),
  };
};

/**
 * How both stand after an action, which decides nothing. A backup of all volumes that an operator
 * ran, and that succeeded, makes up for the scheduled one that failed.
 */
export const schedulesAfterAction = async (
  unit: Unit,
  config: Config,
  { hasBackedUpVolumes }: { readonly hasBackedUpVolumes: boolean },
): Promise<ScheduleReports> => {
  const { scheduleAfterAction } = await import('./schedule.ts');
  if (hasBackedUpVolumes && config.volumesSchedule !== undefined) await forgetFailure(unit);
  return {
    schedule: await scheduleAfterAction(unit, config, controlPlane),
    volumesSchedule:
      (await withoutKey(unit, config)) ?? (await scheduleAfterAction(unit, config, volumes)),
  };
};

/** Without a key no backup of volumes can succeed, so none is begun. */
const withoutKey = async (
  { tools, application }: Unit,
  config: Config,
): Promise<ScheduleReport | undefined> => {
  const { volumesSchedule } = config;
  if (volumesSchedule === undefined || volumesSchedule.paused) return undefined;
  const key = await orProblem(() => readVolumesKey(tools, config, application));
  return key instanceof CharmError ? { paused: false, problem: key } : undefined;
};

const forgetFailure = async ({ tools, application }: Unit): Promise<void> => {
  const relationId = await peerRelation(tools);
  if (relationId === undefined) return;
  const key = volumes.option;
  const known = await recallSchedule(tools, relationId, { application, key });
  if (known?.failed === undefined) return;
  await rememberSchedule(tools, relationId, { key, memory: { ...known, failed: undefined } });
};
