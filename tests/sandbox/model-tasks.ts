import type { ActionDefinition, ModelCore } from './model-core.ts';
import { applicationOf } from './model-core.ts';
import { isOver, type TaskState, type UnitState } from './model-state.ts';

/**
 * Runs a unit's tasks one at a time, and none while a hook of the unit runs, until the unit has
 * gone.
 */
export const runTasks = async (core: ModelCore, unit: UnitState): Promise<void> => {
  const isGone = () => core.findUnit(unit.name) !== unit;
  const next = () =>
    core.state.tasks.find((task) => task.unit === unit.name && task.status === 'pending');
  for (;;) {
    await core.until(
      () =>
        isGone() ||
        (unit.life === 'alive' &&
          unit.agent.status === 'idle' &&
          !core.inHook.has(unit.name) &&
          next() !== undefined),
    );
    if (isGone()) return;
    const task = next();
    if (task) await run(core, unit, task);
  }
};

const run = async (core: ModelCore, unit: UnitState, task: TaskState): Promise<void> => {
  const definition = core.behaviours.get(applicationOf(unit.name))?.actions.get(task.action);
  task.status = 'running';
  task.started = core.now();
  unit.agent = core.status('executing', `running action ${task.action}`);
  core.changed();
  const killed = new AbortController();
  const cancelled = core
    .until(() => task.status !== 'running')
    .then((): Outcome => {
      if (task.status === 'aborting') killed.abort(new Error('terminated'));
      return { status: 'aborted', message: 'terminated', output: { 'return-code': -1 } };
    });
  const lost = core
    .until(() => core.lostTasks.has(task.id) || isOver(task))
    .then((): Outcome => {
      killed.abort(new Error('the pod is gone'));
      return { status: 'failed', message: 'action terminated', output: {} };
    });
  // Juju kills the charm's process at once; nothing of what it did so far is undone.
  const outcome = await Promise.race([
    attempt(core, task, definition, AbortSignal.any([killed.signal, core.stopped])),
    cancelled,
    lost,
  ]);
  if (!(core.lostTasks.has(task.id) && core.release.forgetsTasksOfLostPods)) {
    task.status = outcome.status;
    task.message = outcome.message;
    task.output = outcome.output;
    task.completed = core.now();
  }
  unit.agent = core.status('idle');
  core.changed();
};

type Outcome = Pick<TaskState, 'status' | 'message' | 'output'>;

const attempt = async (
  core: ModelCore,
  task: TaskState,
  definition: ActionDefinition | undefined,
  signal: AbortSignal,
): Promise<Outcome> => {
  if (!definition)
    return {
      status: 'failed',
      message: `action not implemented on unit "${task.unit}"`,
      output: {},
    };
  const log = (message: string) => {
    task.log.push({ timestamp: core.now(), message });
    core.changed();
  };
  try {
    const { results = {}, failed } = await definition.handler({
      unit: task.unit,
      task: task.id,
      parameters: task.parameters,
      log,
      signal,
    });
    const output = { ...results, 'return-code': 0 };
    return failed === undefined
      ? { status: 'completed', message: '', output }
      : { status: 'failed', message: failed, output };
  } catch {
    return { status: 'failed', message: 'exit status 1', output: { 'return-code': 1 } };
  }
};
