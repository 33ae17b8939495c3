import { randomUUID } from 'node:crypto';
import { type JujuLine, type JujuRelease, jujuReleases } from '../servers/juju/release.ts';
import type { ApplicationDefinition } from './model-application.ts';
import { behaviourOf, newApplication, newRelation } from './model-application.ts';
import type { ActionDefinition } from './model-core.ts';
import { applicationOf, ModelCore, ModelRefusal } from './model-core.ts';
import type {
  ApplicationState,
  ModelChange,
  ModelState,
  RelationState,
  TaskState,
  UnitState,
} from './model-state.ts';
import { isOver } from './model-state.ts';
import { cancelTask, enqueueTask, failInterrupted } from './model-queue.ts';
import { runHook } from './model-hooks.ts';
import { followScale, whileRunning } from './model-units.ts';

/*
 * A Juju model as the controller knows it, without a controller: applications, their units and
 * scale, and the queue of actions of each unit. What it knows of Juju is in Juju's own words
 * (status names, order of steps):
 *
 *   const model = createModel({ name: 'kubeflow', pace: 20 });
 *   model.addApplication({
 *     name: 'kfp-db', charm: 'mysql-k8s', revision: 344, units: 1,
 *     actions: { 'create-backup': async () => ({ results: { 'backup-id': '…' } }) },
 *     onUnitAdded: async (unit, signal) => { … the new member joins the cluster … },
 *   });
 *   model.setScale('kfp-db', 2);
 *   await model.settled('kfp-db');
 *   const task = await model.ended(model.enqueue('kfp-db/1', 'create-backup', {}).id);
 *   model.changes;              // every scale and action, with the model at that instant
 *   const saved = model.save(); // JSON; createModel({ saved }), then addApplication again
 *   model.stop();               // ends all that moves
 */

/**
 * An empty model, or one that goes on from what `save` returned: what ran then has been killed,
 * what waited goes on.
 */
export const createModel = (options: {
  readonly name?: string;
  readonly uuid?: string;
  /** Milliseconds that each step of a unit's life takes. */
  readonly pace?: number;
  /** Whose habits it has. */
  readonly line?: JujuLine;
  /**
   * Milliseconds between two `update-status` of each unit, in which charms say that they are in
   * maintenance; 0, the default, is never.
   */
  readonly updateStatusEvery?: number;
  readonly saved?: ModelState;
}): Model => {
  const { pace = 5, line = '3.6', updateStatusEvery = 0 } = options;
  const state: ModelState = structuredClone(options.saved) ?? {
    name: options.name ?? 'kubeflow',
    uuid: options.uuid ?? randomUUID(),
    changesBlocked: false,
    lastId: 0,
    applications: {},
    relations: [],
    tasks: [],
    changes: [],
  };
  return new Model(new ModelCore(state, { pace, release: jujuReleases[line], updateStatusEvery }));
};

export class Model {
  readonly #core: ModelCore;

  constructor(core: ModelCore) {
    this.#core = core;
    failInterrupted(core);
  }

  /** Alive, to be read. To change it use the methods, so that those who wait are told. */
  get state(): ModelState {
    return this.#core.state;
  }

  get changes(): readonly ModelChange[] {
    return this.state.changes;
  }

  get release(): JujuRelease {
    return this.#core.release;
  }

  set pace(milliseconds: number) {
    this.#core.pace = milliseconds;
  }

  /**
   * When the model was loaded with an application of this name, its state is kept and only the
   * behaviour is attached.
   */
  addApplication(definition: ApplicationDefinition): void {
    const { name } = definition;
    if (this.#core.behaviours.has(name)) throw new Error(`${name} is there already`);
    this.#core.behaviours.set(name, behaviourOf(definition));
    const application = (this.state.applications[name] ??= newApplication(this.#core, definition));
    // A hook that the model was stopped in, or that a copy of its state was made in, goes on to its
    // end.
    for (const unit of application.units)
      if (
        unit.workload.status === 'maintenance' &&
        unit.workload.message === definition.saysInHooks
      ) {
        unit.workload = this.#core.status('active');
        unit.agent = this.#core.status('idle');
      }
    whileRunning(this.#core, followScale(this.#core, application));
    this.#core.changed();
  }

  /** Throws a ModelRefusal when there is none. */
  application(name: string): ApplicationState {
    return this.#core.application(name);
  }

  /** Throws a ModelRefusal when there is none. */
  unit(name: string): UnitState {
    return this.#core.unit(name);
  }

  actions(application: string): ReadonlyMap<string, ActionDefinition> {
    this.application(application);
    return this.#core.behaviours.get(application)?.actions ?? new Map<string, ActionDefinition>();
  }

  /** Sets the desired number of units, as `juju scale-application` does. */
  setScale(name: string, to: number): void {
    if (this.state.changesBlocked)
      throw new ModelRefusal('changes-blocked', 'changes are disabled');
    const application = this.application(name);
    if (application.life !== 'alive') throw new ModelRefusal('not-alive', `${name} is not alive`);
    const { scale: from } = application;
    this.#core.record({ kind: 'scale', application: name, from, to });
    application.scale = to;
    this.#core.changed();
  }

  /** Puts an action into a unit's queue; `kfp-db/leader` is whichever unit leads. */
  enqueue(
    receiver: string,
    action: string,
    parameters: Readonly<Record<string, unknown>>,
  ): TaskState {
    return enqueueTask(this.#core, receiver, action, parameters);
  }

  task(id: string): TaskState {
    const task = this.state.tasks.find((one) => one.id === id);
    if (!task) throw new ModelRefusal('no-task', 'id not found');
    return task;
  }

  /** `juju cancel-task`. */
  cancel(id: string): TaskState {
    return cancelTask(this.#core, this.task(id));
  }

  /**
   * `kubectl delete pod --force` while an action runs: its process is gone, and a new pod takes the
   * unit's place.
   */
  losePod(unit: string): void {
    for (const { id, status } of this.state.tasks.filter((task) => task.unit === unit))
      if (status === 'running') this.#core.lostTasks.add(id);
    this.#core.changed();
  }

  /**
   * Runs a hook of a unit, when it has time for one; its charm says meanwhile that it is in
   * maintenance.
   */
  async runHook(unit: string, hook: string): Promise<void> {
    await runHook(this.#core, this.unit(unit), hook);
  }

  /** Resolves with the task when it has ended. */
  async ended(id: string): Promise<TaskState> {
    const task = this.task(id);
    await this.#core.until(() => isOver(task));
    return task;
  }

  /** Resolves when the application has as many units as it should, and all are active and idle. */
  async settled(name: string): Promise<void> {
    await this.until(() => {
      const { units, scale } = this.application(name);
      return (
        units.length === scale &&
        units.every((unit) => unit.workload.status === 'active' && unit.agent.status === 'idle')
      );
    });
  }

  async until(condition: (model: ModelState) => boolean): Promise<void> {
    await this.#core.until(() => condition(this.state));
  }

  onChange(listener: () => void): void {
    this.#core.onChange(listener);
  }

  /**
   * Changes anything of the state by hand and tells those who wait: `({ applications }) => { … }`.
   */
  change(edit: (state: ModelState) => void): void {
    edit(this.state);
    this.#core.changed();
  }

  /** What `status-set` does; `error` is a hook that failed, which keeps the unit from leaving. */
  setWorkload(unit: string, status: string, message = ''): void {
    this.unit(unit).workload = this.#core.status(status, message);
    this.#core.changed();
  }

  /** What `status-set --application` does. */
  setApplicationStatus(name: string, status: string, message = ''): void {
    this.application(name).status = this.#core.status(status, message);
    this.#core.changed();
  }

  setLeader(leader: string): void {
    for (const unit of this.application(applicationOf(leader)).units)
      unit.leader = unit.name === leader;
    this.#core.changed();
  }

  /** `addRelation('s3', 'ckf-backup:kfp-db', 'kfp-db:s3-parameters')` */
  addRelation(interfaceName: string, provider: string, requirer: string): RelationState {
    const relation = newRelation(this.state, interfaceName, provider, requirer);
    this.state.relations.push(relation);
    this.#core.changed();
    return relation;
  }

  save(): ModelState {
    return structuredClone(this.state);
  }

  stop(): void {
    this.#core.stop();
  }
}
