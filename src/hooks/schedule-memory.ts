import type { CurrentRun } from '../schedule/current-run.ts';
import type { Standing } from '../schedule/decision.ts';
import type { Unrecorded } from '../volumes/records/unused-slots.ts';
import type { HookTools } from '../world.ts';
import type { ScheduledWork } from './scheduled-work.ts';

/**
 * What the leader's hooks remember of the schedule, in the application's databag of the relation
 * between our units.
 */
export interface ScheduleMemory extends Standing {
  /** The options that this was remembered for. With other options the schedule begins afresh. */
  readonly options: string;
  /** The time for which the alarm was set. */
  readonly wake?: Date;
  /** The newest scheduled run that failed and is not tried again. */
  readonly failed?: Pick<CurrentRun, 'slot' | 'task'> | undefined;
  /** How many slots got no run since the last run was begun. */
  readonly missed?: number;
  /** Records that S3 could not take yet. */
  readonly unsent?: readonly Unrecorded[];
}

/** Under which it is remembered. */
type Key = ScheduledWork['option'];

/**
 * Undefined when nothing is remembered, or what is there cannot be read. Only the leader may call
 * this.
 */
export const recallSchedule = async (
  tools: HookTools,
  relationId: string,
  { application, key }: { readonly application: string; readonly key: Key },
): Promise<ScheduleMemory | undefined> => {
  const text = (await tools.applicationData(relationId, application))[key];
  if (text === undefined) return undefined;
  try {
    return memoryOf(JSON.parse(text));
  } catch {
    return undefined;
  }
};

/** Juju keeps it once the hook has ended with status 0. */
export const rememberSchedule = async (
  tools: HookTools,
  relationId: string,
  { key, memory }: { readonly key: Key; readonly memory: ScheduleMemory | undefined },
): Promise<void> => {
  await tools.setApplicationData(relationId, {
    [key]: memory === undefined ? '' : JSON.stringify(memory),
  });
};

const memoryOf = (value: unknown): ScheduleMemory | undefined => {
  const { options, accounted, wake, current, failed, missed, unsent } = fieldsOf(value);
  const upTo = timeOf(accounted);
  if (typeof options !== 'string' || upTo === undefined) return undefined;
  const rings = timeOf(wake);
  const run = runOf(current);
  const lost = runOf(failed);
  return {
    ...{ options, accounted: upTo },
    ...(rings && { wake: rings }),
    ...(run && { current: run }),
    ...(lost && { failed: { slot: lost.slot, task: lost.task } }),
    ...(typeof missed === 'number' && { missed }),
    ...(Array.isArray(unsent) && {
      unsent: unsent.map(unusedOf).filter((slots) => slots !== undefined),
    }),
  };
};

const unusedOf = (value: unknown): Unrecorded | undefined => {
  const { phase, first, last, count, reason } = fieldsOf(value);
  const [from, to] = [timeOf(first), timeOf(last)];
  if (from === undefined || to === undefined || typeof count !== 'number') return undefined;
  const known = (['Skipped', 'Missed', 'Failed'] as const).find((one) => one === phase);
  if (known === undefined || typeof reason !== 'string') return undefined;
  return { phase: known, first: from, last: to, count, reason };
};

const runOf = (value: unknown): CurrentRun | undefined => {
  const { slot, attempt = 1, task, retryAt } = fieldsOf(value);
  const [time, again] = [timeOf(slot), timeOf(retryAt)];
  if (time === undefined || typeof attempt !== 'number' || typeof task !== 'string')
    return undefined;
  return { slot: time, attempt, task, ...(again && { retryAt: again }) };
};

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

const timeOf = (value: unknown): Date | undefined => {
  const time = typeof value === 'string' ? new Date(value) : undefined;
  return time === undefined || Number.isNaN(time.getTime()) ? undefined : time;
};
