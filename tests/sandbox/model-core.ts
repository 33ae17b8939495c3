import { setTimeout as delay } from 'node:timers/promises';
import type { JujuRelease } from '../servers/juju/release.ts';
import type {
  ApplicationState,
  ModelChange,
  ModelState,
  StatusState,
  UnitState,
} from './model-state.ts';
import { pictureOf } from './model-state.ts';

/**
 * What an action does. `failed` is what the charm says with action-fail; a throw is a charm that
 * crashed.
 */
export type ActionHandler = (context: {
  readonly unit: string;
  /** The id of the task. */
  readonly task: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly log: (message: string) => void;
  /** Fires when the task is cancelled: the charm's process has been killed. */
  readonly signal: AbortSignal;
}) => Promise<{ readonly results?: Readonly<Record<string, unknown>>; readonly failed?: string }>;

export interface ActionDefinition {
  readonly handler: ActionHandler;
  readonly description?: string;
  /** JSON schema properties, as under `params` in actions.yaml. Their defaults are filled in. */
  readonly parameters?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Whether parameters that are not declared pass; Juju 3 lets them. */
  readonly additionalProperties?: boolean;
}

/**
 * What an application does when its units come and go. `signal` fires when the unit is asked to
 * leave.
 */
export interface Behaviour {
  readonly actions: ReadonlyMap<string, ActionDefinition>;
  readonly saysInHooks: string | undefined;
  /**
   * Its hooks run: the unit is executing/maintenance until this resolves. A throw puts the unit
   * into error.
   */
  readonly onUnitAdded: ((unit: string, signal: AbortSignal) => Promise<void>) | undefined;
  /** The unit is active/idle. */
  readonly onUnitReady: ((unit: string, signal: AbortSignal) => Promise<void>) | undefined;
  /** The unit stops and is gone when this resolves. */
  readonly onUnitRemoved: ((unit: string) => Promise<void>) | undefined;
}

/**
 * Why the model says no. The controller puts it into the words of the Juju release that it plays.
 */
export class ModelRefusal extends Error {
  readonly reason:
    | 'no-application'
    | 'not-alive'
    | 'no-unit'
    | 'no-leader'
    | 'no-action'
    | 'no-task'
    | 'parameters-invalid'
    | 'changes-blocked';

  constructor(reason: ModelRefusal['reason'], message: string) {
    super(message);
    this.name = 'ModelRefusal';
    this.reason = reason;
  }
}

/** The state together with what moves it: behaviours, time and those who wait for a change. */
export class ModelCore {
  readonly state: ModelState;
  readonly release: JujuRelease;
  /** Units that are in a hook: no action runs on them meanwhile. */
  readonly inHook = new Set<string>();
  /** Tasks whose pod was force-deleted while they ran. */
  readonly lostTasks = new Set<string>();
  /** Milliseconds between two `update-status` of a unit; 0 is never. */
  readonly updateStatusEvery: number;
  readonly behaviours = new Map<string, Behaviour>();
  /** Milliseconds that each step of a unit's life takes. */
  pace: number;
  readonly #stop = new AbortController();
  readonly #waiters = new Set<() => void>();
  readonly #listeners = new Set<() => void>();

  constructor(
    state: ModelState,
    options: {
      readonly pace: number;
      readonly release: JujuRelease;
      readonly updateStatusEvery: number;
    },
  ) {
    this.state = state;
    this.pace = options.pace;
    this.release = options.release;
    this.updateStatusEvery = options.updateStatusEvery;
  }

  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  stop(): void {
    this.#stop.abort(new Error('the model was stopped'));
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
    for (const waiter of [...this.#waiters]) waiter();
  }

  /** Resolves as soon as the condition holds; rejects when the model stops or the signal fires. */
  async until(condition: () => boolean, signal?: AbortSignal): Promise<void> {
    const ends = signal ? AbortSignal.any([signal, this.stopped]) : this.stopped;
    ends.throwIfAborted();
    if (condition()) return;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const waiter = () => {
      if (condition()) resolve(undefined);
    };
    const abort = () => {
      reject(ends.reason as Error);
    };
    this.#waiters.add(waiter);
    ends.addEventListener('abort', abort, { once: true });
    try {
      await promise;
    } finally {
      this.#waiters.delete(waiter);
      ends.removeEventListener('abort', abort);
    }
  }

  /** Lets one step's time pass. */
  async step(signal?: AbortSignal): Promise<void> {
    await this.pass(this.pace, signal);
  }

  async pass(milliseconds: number, signal?: AbortSignal): Promise<void> {
    const ends = signal ? AbortSignal.any([signal, this.stopped]) : this.stopped;
    await delay(milliseconds, undefined, { signal: ends });
  }

  now(): string {
    return new Date().toISOString();
  }

  status(status: string, message = ''): StatusState {
    return { status, message, since: this.now() };
  }

  application(name: string): ApplicationState {
    const application = this.state.applications[name];
    if (!application) throw new ModelRefusal('no-application', `application "${name}" not found`);
    return application;
  }

  findUnit(name: string): UnitState | undefined {
    const application = this.state.applications[applicationOf(name)];
    return application?.units.find((unit) => unit.name === name);
  }

  unit(name: string): UnitState {
    const unit = this.findUnit(name);
    if (!unit) throw new ModelRefusal('no-unit', `unit "${name}" not found`);
    return unit;
  }

  record(change: RequestedChange): void {
    this.state.changes.push({ ...change, at: this.now(), model: pictureOf(this.state) });
  }
}

type RequestedChange = ModelChange extends infer Change
  ? Change extends ModelChange
    ? Omit<Change, 'at' | 'model'>
    : never
  : never;

export const applicationOf = (unit: string): string => unit.slice(0, unit.lastIndexOf('/'));
