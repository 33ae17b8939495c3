import type { Schedule } from './schedule.ts';
import { type DeadlineRules, type SeenTask, foundBusy, foundOccupied, goesOn } from './tasks.ts';

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
  /**
   * `vanished`: the controller does not know its task, or it is older than any run may be.
   * `skipped`: it found something at work, did nothing, and is not tried again.
   */
  readonly state: 'succeeded' | 'failed' | 'cancelled' | 'vanished' | 'skipped';
}

export type RunState =
  | { readonly kind: 'none' | 'unknown' | 'active' }
  | { readonly kind: 'retry'; readonly at: Date }
  | { readonly kind: 'ended'; readonly ended: EndedRun }
  /**
   * `reopened`: it found something at work and did nothing, so the slot is still due unless a later
   * one has come.
   */
  | { readonly kind: 'reopened'; readonly ended: EndedRun };

export interface RetryRules extends DeadlineRules {
  readonly retries: number;
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
  if (task !== undefined && goesOn(task, now, rules)) return { kind: 'active' };
  const waited = task !== undefined && foundBusy(task) && rules.whenBusy === 'wait';
  if (waited || (task !== undefined && foundOccupied(task)))
    return { kind: 'reopened', ended: { ...run, state: 'skipped' } };
  const state = endOf(task);
  const mayPass = state === 'vanished' || (state === 'failed' && task?.failure === 'passing');
  const retryAt = new Date((task?.ended ?? now).getTime() + retryPause * run.attempt);
  const next = schedule.next(run.slot);
  const again = mayPass && run.attempt <= rules.retries && (next === undefined || retryAt < next);
  return { kind: 'ended', ended: { ...run, state, ...(again && { retryAt }) } };
};

const endOf = (task: SeenTask | undefined): EndedRun['state'] => {
  if (task === undefined || task.state === 'active') return 'vanished';
  return foundBusy(task) ? 'skipped' : task.state;
};
