import { CharmError } from '../../src/errors.ts';
import type {
  ActionOutcome,
  ApplicationStatus,
  JujuModel,
  ModelStatus,
  Task,
} from '../../src/world.ts';
import { unlessAborted } from '../../src/unless-aborted.ts';
import { ModelRefusal } from '../sandbox/model-core.ts';
import type { ApplicationState, RelationState, TaskState } from '../sandbox/model-state.ts';
import { applicationStatus, relatedTo } from '../sandbox/model-status.ts';
import type { Model } from '../sandbox/model.ts';

type Method = 'status' | 'scale' | 'option' | 'actionNames' | 'runAction' | 'enqueue' | 'tasks';

/** A JujuModel without a controller, over the state that the real one would serve. */
export interface FakeJujuModel extends JujuModel {
  /** The next call of this method rejects with the error, and does nothing. */
  failNext(method: Method, error: Error): void;
}

export const createFakeJujuModel = (
  model: Model,
  {
    access = 'write',
    controllerVersion = model.release.version,
  }: { readonly access?: JujuModel['access']; readonly controllerVersion?: string } = {},
): FakeJujuModel => {
  const failures: { readonly method: Method; readonly error: Error }[] = [];
  let closed = false;

  const enter = (method: Method, needs: 'read' | 'write' = 'write') => {
    if (closed) throw new Error('the session with the Juju controller was closed');
    const next = failures.findIndex((failure) => failure.method === method);
    if (next >= 0) throw failures.splice(next, 1)[0]!.error;
    if (needs === 'write' && access === 'read')
      throw new CharmError('juju-read-only', 'permission denied');
  };

  return {
    user: 'ckf-backup',
    access,
    controllerVersion,
    failNext: (method, error) => failures.push({ method, error }),
    async status() {
      enter('status', 'read');
      return statusOf(model);
    },
    async scale(application, units) {
      enter('scale');
      refusing(() => {
        model.setScale(application, units);
      });
    },
    async option(application, name) {
      enter('option', 'read');
      return refusing(() => model.application(application).options?.[name]);
    },
    async actionNames(application) {
      enter('actionNames');
      return refusing(() => [...model.actions(application).keys()].sort());
    },
    async runAction(unit, action, parameters, { signal } = {}) {
      signal?.throwIfAborted();
      enter('runAction');
      const { id } = refusing(() => model.enqueue(unit, action, structuredClone(parameters)));
      return unlessAborted(outcomeOf(model, id), signal);
    },
    async enqueue(unit, action, parameters) {
      enter('enqueue');
      return refusing(() => model.enqueue(unit, action, structuredClone(parameters)).id);
    },
    async tasks(application, actions) {
      enter('tasks', 'read');
      return model.state.tasks
        .filter(
          ({ unit, action }) => unit.startsWith(`${application}/`) && actions.includes(action),
        )
        .map(taskOf);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
    },
  };
};

const taskOf = (task: TaskState): Task => {
  const { id, unit, action, parameters, status, enqueued, started, completed, output } = task;
  const time = (text: string | undefined) => (text === undefined ? undefined : new Date(text));
  return {
    ...{ id, unit, action, parameters, status },
    ...{ enqueued: new Date(enqueued), started: time(started), completed: time(completed) },
    results: status === 'failed' ? structuredClone(output) : {},
  };
};

const refusing = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    if (error instanceof ModelRefusal) throw new CharmError('juju-refused', error.message);
    throw error;
  }
};

const outcomeOf = async (model: Model, id: string): Promise<ActionOutcome> => {
  const { status, message, output } = await model.ended(id);
  if (status === 'pending' || status === 'running' || status === 'aborting')
    throw new Error(`task ${id} has not ended`);
  return { task: id, status, message, results: structuredClone(output) };
};

const statusOf = ({ state }: Model): ModelStatus => ({
  name: state.name,
  applications: new Map(
    Object.values(state.applications).map((application) => [
      application.name,
      statusOfApplication(application, state.relations),
    ]),
  ),
});

const statusOfApplication = (
  application: ApplicationState,
  relations: readonly RelationState[],
): ApplicationStatus => {
  const { name, charm, revision, workloadVersion, life, scale, units } = application;
  const { status, message } = applicationStatus(application);
  return {
    name,
    charm,
    charmRevision: revision,
    workloadVersion,
    life,
    status: { status, message },
    scale,
    units: units.map(({ name: unit, leader, workload, agent }) => ({
      name: unit,
      leader,
      workload: { status: workload.status, message: workload.message },
      agent: { status: agent.status, message: agent.message },
    })),
    related: relatedTo(name, relations),
  };
};
