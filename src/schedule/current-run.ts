import type { Schedule } from './schedule.ts';
import { type SeenTask, foundBusy, isInTheWay } from './tasks.ts';

/** A run that was begun for a slot and has not ended for good. */
export interface CurrentRun {
  readonly slot: Date;
  /** Counted from 1. */
  readonly attempt: number;
  /** The id for `juju show-task`. */
  readonly task: string;
  /** Set when it failed and will be repeated: the earliest time for that. */
  readonly retryAt?: Date;
}

/** How a run ended. */
export interface EndedRun extends CurrentRun {
  /** `vanished`: the controller does not know its task, or it is older than any run may be. */
  readonly state: 'succeeded' | 'failed' | 'cancelled' | 'vanished';
}

export type RunState =
  | { readonly kind: 'none' | 'unknown' | 'active' }
  | { readonly kind: 'retry'; readonly at: Date }
  | { readonly kind: 'ended'; readonly ended: EndedRun }
  /**
   * `reopened`: it found something running in Kubeflow and did nothing, so the slot is still due.
   */
  | { readonly kind: 'reopened' };

export interface RetryRules {
  readonly retries: number;
  /** Milliseconds. */
  readonly runDeadline: number;
  readonly whenBusy: 'wait' | 'skip' | 'run';
}

/** Milliseconds after the first failure; after the second it is twice as long. */
const retryPause = 15 * 60_000;

/** The state of the run that was begun last. `tasks` is undefined while they are not known. */
export const stateOfRun = (
  run: CurrentRun | undefined,
  tasks: readonly SeenTask[] | undefined,
  { now, rules, schedule }: { now: Date; rules: RetryRules; schedule: Pick<Schedule, 'next'> },
): RunState => {
  if (run === undefined) return { kind: 'none' };
  if (run.retryAt !== undefined) return { kind: 'retry', at: run.retryAt };
  if (tasks === undefined) return { kind: 'unknown' };
  const task = tasks.find(({ task: id }) => id === run.task);
  if (task !== undefined && isInTheWay(task, now, rules.runDeadline)) return { kind: 'active' };
  if (task !== undefined && foundBusy(task) && rules.whenBusy === 'wait')
    return { kind: 'reopened' };
  const state = task === undefined || task.state === 'active' ? 'vanished' : task.state;
  const mayPass = state === 'vanished' || (state === 'failed' && task?.failure === 'passing');
  const retryAt = new Date((task?.ended ?? now).getTime() + retryPause * run.attempt);
  const next = schedule.next(run.slot);
  const again = mayPass && run.attempt <= rules.retries && (next === undefined || retryAt < next);
  return { kind: 'ended', ended: { ...run, state, ...(again && { retryAt }) } };
};
