import { CharmError, errorCodes, orProblem } from '../errors.ts';
import { findRunningWorkloads } from '../operation/running-workloads.ts';
import type { Facts } from '../schedule/start.ts';
import type { SeenTask } from '../schedule/tasks.ts';
import type { JujuModel, Task, World } from '../world.ts';

/** Actions during which no backup can begin. */
const ours = ['backup-control-plane', 'restore-control-plane'] as const;

/** Actions that work on users' volumes: one of them at a time. */
const ofVolumes = [
  'backup-volumes',
  'restore-volume',
  'delete-volume-backups',
  'verify-volumes',
] as const;

/**
 * What a decision about a slot needs to know of tasks and of Kubeflow. When Kubernetes does not
 * answer, nothing counts as running; the backup itself then reports that.
 */
export const seeFacts = async (
  world: World,
  juju: JujuModel,
  application: string,
): Promise<Facts> => {
  const tasks = (await juju.tasks(application, ours)).map(seenTask);
  const busy = await orProblem(async () => {
    await using kubernetes = await world.openKubernetes();
    return (await findRunningWorkloads(kubernetes)).running;
  });
  return { kind: 'seen', tasks, busy: busy instanceof CharmError ? [] : busy };
};

/**
 * The same for users' volumes, which do not wait for Kubeflow to be quiet. A backup of some volumes
 * only does not do what the schedule is for.
 */
export const seeVolumeTasks = async (juju: JujuModel, application: string): Promise<Facts> => {
  const tasks = (await juju.tasks(application, ofVolumes)).map((task) => ({
    ...seenTask(task),
    partial: (task.parameters['volumes'] ?? '') !== '',
  }));
  return { kind: 'seen', tasks, busy: [] };
};

const seenTask = (task: Task): SeenTask => {
  const { id, action, parameters, enqueued, completed } = task;
  const slot = new Date(typeof parameters['slot'] === 'string' ? parameters['slot'] : '');
  const state = states[task.status];
  return {
    ...{ task: id, action, state, began: enqueued },
    ended: state === 'active' ? undefined : (completed ?? enqueued),
    slot: Number.isNaN(slot.getTime()) ? undefined : slot,
    ...(state === 'failed' && { failure: failureOf(task.results['error-code']) }),
  };
};

const states = {
  pending: 'active',
  running: 'active',
  aborting: 'active',
  completed: 'succeeded',
  failed: 'failed',
  error: 'failed',
  cancelled: 'cancelled',
  aborted: 'cancelled',
} as const satisfies Record<Task['status'], SeenTask['state']>;

/** A task without a code was killed, for example with its pod. It may be repeated. */
const failureOf = (code: unknown): SeenTask['failure'] & string => {
  if (code === 'workloads-running') return 'busy';
  if (code === 'backup-running') return 'occupied';
  const known = Object.entries(errorCodes).find(([name]) => name === code);
  return known === undefined || known[1] === 'transient' ? 'passing' : 'lasting';
};
