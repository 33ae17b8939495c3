import type { ActionDefinition, ModelCore } from './model-core.ts';
import { applicationOf, ModelRefusal } from './model-core.ts';
import type { TaskState, UnitState } from './model-state.ts';
import { unknownParameter } from '../servers/unit-agent/charm.ts';

/** Puts an action into a unit's queue and records it; rules as in Juju's EnqueueOperation. */
export const enqueueTask = (
  core: ModelCore,
  receiver: string,
  action: string,
  parameters: Readonly<Record<string, unknown>>,
): TaskState => {
  const unit = receiverOf(core, receiver);
  const definition = core.behaviours.get(applicationOf(unit.name))?.actions.get(action);
  if (!definition)
    throw new ModelRefusal('no-action', `action "${action}" not defined on unit "${unit.name}"`);
  const filledIn = withDefaults(definition, parameters);
  const task: TaskState = {
    operation: String(++core.state.lastId),
    id: String(++core.state.lastId),
    unit: unit.name,
    action,
    parameters: filledIn,
    status: 'pending',
    enqueued: core.now(),
    started: undefined,
    completed: undefined,
    message: '',
    output: {},
    log: [],
  };
  core.record({ kind: 'enqueue', unit: unit.name, action, parameters, task: task.id });
  core.state.tasks.push(task);
  core.changed();
  return task;
};

/**
 * A task that waits is cancelled; one that runs is killed by its unit. Not in the releases where
 * that does not work.
 */
export const cancelTask = (core: ModelCore, task: TaskState): TaskState => {
  if (!core.release.cancelsTasks) return task;
  if (task.status === 'running') task.status = 'aborting';
  if (task.status === 'pending') {
    task.status = 'cancelled';
    task.message = 'action cancelled via the API';
    task.completed = core.now();
  }
  core.changed();
  return task;
};

/**
 * Whatever ran when the model was saved died with its charm's process (Juju: "action terminated").
 */
export const failInterrupted = (core: ModelCore): void => {
  for (const task of core.state.tasks) {
    if (task.status !== 'running' && task.status !== 'aborting') continue;
    task.status = 'failed';
    task.message = 'action terminated';
    task.completed = core.now();
    const unit = core.findUnit(task.unit);
    if (unit) unit.agent = core.status('idle');
  }
};

const receiverOf = (core: ModelCore, receiver: string): UnitState => {
  if (!receiver.endsWith('/leader')) return core.unit(receiver);
  const name = applicationOf(receiver);
  const leader = core.application(name).units.find((unit) => unit.leader);
  if (leader) return leader;
  throw new ModelRefusal('no-leader', `could not determine leader for "${name}"`);
};

const withDefaults = (
  { parameters: declared = {}, additionalProperties = true }: ActionDefinition,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> => {
  const unknown = Object.keys(given).find((name) => !(name in declared));
  if (unknown !== undefined && !additionalProperties)
    throw new ModelRefusal(
      'parameters-invalid',
      `validation failed: ${unknownParameter(unknown, given)}`,
    );
  const defaults = Object.entries(declared).flatMap(([name, { default: value }]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return { ...Object.fromEntries(defaults), ...given };
};
