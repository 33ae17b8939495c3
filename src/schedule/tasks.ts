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
   * How it failed: for a reason that may pass, because something was running in Kubeflow, or for a
   * reason that an operator must solve.
   */
  readonly failure?: 'passing' | 'busy' | 'lasting';
}

/** Milliseconds after the run deadline at which a task counts as dead. */
const grace = 3_600_000;

/**
 * Whether the task runs or waits to run. A task that is older than any run may be counts as dead.
 */
export const isInTheWay = (task: SeenTask, now: Date, runDeadline: number): boolean =>
  task.state === 'active' && now.getTime() - task.began.getTime() < runDeadline + grace;

/** It failed because something was running in Kubeflow, and did nothing. */
export const foundBusy = ({ state, failure }: SeenTask): boolean =>
  state === 'failed' && failure === 'busy';

/** The newest task of a slot, without those that only found Kubeflow busy. */
export const taskOfSlot = (
  tasks: readonly SeenTask[] | undefined,
  slot: Date,
  newerThan = '0',
): SeenTask | undefined =>
  tasks?.findLast(
    (task) =>
      task.slot?.getTime() === slot.getTime() &&
      Number(task.task) > Number(newerThan) &&
      !foundBusy(task),
  );

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
