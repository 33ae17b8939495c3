/** A task of ours at the controller that backs up or restores. */
export interface SeenTask {
  /** The id for `juju show-task`; later ones are larger. */
  readonly task: string;
  readonly action: string;
  /** It backs up only a part of what the schedule is for, so it counts for no slot. */
  readonly partial?: boolean;
  /** The slot that it was enqueued for; undefined when an operator did it. */
  readonly slot: Date | undefined;
  readonly state: 'active' | 'succeeded' | 'failed' | 'cancelled';
  readonly began: Date;
  /** Undefined while it is active. */
  readonly ended: Date | undefined;
  /**
   * How it failed: for a reason that may pass, because something was running in Kubeflow, because
   * another operation was at work on the path in S3, or for a reason that an operator must solve.
   */
  readonly failure?: 'passing' | 'busy' | 'occupied' | 'lasting';
}

export interface DeadlineRules {
  /** Milliseconds after which a run gives up. */
  readonly runDeadline: number;
  /**
   * Whether a run ends by that deadline at all. One that does not may go on for longer; then the
   * lock in S3 says whether it does, to a run that begins beside it.
   */
  readonly hasDeadline: boolean;
}

/** Milliseconds after the run deadline at which a task counts as dead. */
const grace = 3_600_000;

/**
 * Whether the task runs or waits to run, and lets no other begin. One that is older than any run
 * may be does not keep others from beginning.
 */
export const isInTheWay = (task: SeenTask, now: Date, runDeadline: number): boolean =>
  task.state === 'active' && now.getTime() - task.began.getTime() < runDeadline + grace;

/** Whether the task has not ended, as far as one can tell. */
export const goesOn = (
  task: SeenTask,
  now: Date,
  { runDeadline, hasDeadline }: DeadlineRules,
): boolean => task.state === 'active' && (!hasDeadline || isInTheWay(task, now, runDeadline));

/** It failed because something was running in Kubeflow, and did nothing. */
export const foundBusy = ({ state, failure }: SeenTask): boolean =>
  state === 'failed' && failure === 'busy';

/** It failed because another operation was at work on the path in S3, and did nothing. */
export const foundOccupied = ({ state, failure }: SeenTask): boolean =>
  state === 'failed' && failure === 'occupied';

export const isOf = ({ slot }: SeenTask, of: Date): boolean => slot?.getTime() === of.getTime();

/** The tasks of a slot, the oldest first, without those that found something and did nothing. */
export const tasksOfSlot = (
  tasks: readonly SeenTask[] | undefined,
  slot: Date,
  newerThan = '0',
): readonly SeenTask[] =>
  (tasks ?? [])
    .filter(
      (task) =>
        isOf(task, slot) &&
        Number(task.task) > Number(newerThan) &&
        !foundBusy(task) &&
        !foundOccupied(task),
    )
    .sort((one, other) => Number(one.task) - Number(other.task));

/** A backup that ran at the time of the slot, and succeeded, counts for the slot. */
export const coveringTask = (
  tasks: readonly SeenTask[] | undefined,
  slot: Date,
): SeenTask | undefined =>
  tasks?.find(
    ({ action, partial = false, state, began, ended }) =>
      action.startsWith('backup-') &&
      !partial &&
      state === 'succeeded' &&
      ended !== undefined &&
      began <= slot &&
      ended >= slot,
  );
