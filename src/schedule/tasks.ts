/** A task of ours at the controller that backs up or restores. */
export interface SeenTask {
  /** The id for `juju show-task`; later ones are larger. */
  readonly task: string;
  readonly action: string;
  /** The slot that it was enqueued for; undefined when an operator did it. */
  readonly slot: Date | undefined;
  readonly state: 'active' | 'succeeded' | 'failed' | 'cancelled';
  readonly began: Date;
  /** Undefined while it is active. */
  readonly ended: Date | undefined;
  /**
   * How it failed: passing by itself, because something was running in Kubeflow, or for somebody to
   * mend.
   */
  readonly failure?: 'passing' | 'busy' | 'lasting';
}

/** How much later than the run deadline a task is taken for dead, in milliseconds. */
const grace = 3_600_000;

/**
 * Whether it is at work, or waits to be. What is older than any run may be is taken for dead, and
 * stands in nobody's way.
 */
export const isInTheWay = (task: SeenTask, now: Date, runDeadline: number): boolean =>
  task.state === 'active' && now.getTime() - task.began.getTime() < runDeadline + grace;

/** It failed because something was running in Kubeflow, and did nothing. */
export const foundBusy = ({ state, failure }: SeenTask): boolean =>
  state === 'failed' && failure === 'busy';

/** The newest task of a slot that did more than to find Kubeflow busy. */
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

/** A backup that was being made when the slot came, and succeeded: as good as the slot's own. */
export const coveringTask = (
  tasks: readonly SeenTask[] | undefined,
  slot: Date,
): SeenTask | undefined =>
  tasks?.find(
    ({ action, state, began, ended }) =>
      action === 'backup-control-plane' &&
      state === 'succeeded' &&
      ended !== undefined &&
      began <= slot &&
      ended >= slot,
  );
