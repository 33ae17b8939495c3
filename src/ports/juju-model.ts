export interface UnitStatus {
  readonly name: string;
  readonly leader: boolean;
  readonly workload: { readonly status: string; readonly message: string };
  readonly agent: { readonly status: string; readonly message: string };
}

export interface ApplicationStatus {
  readonly name: string;
  /** `ch:amd64/mysql-k8s-344` and its parts. */
  readonly charm: string;
  readonly charmRevision: number | undefined;
  readonly workloadVersion: string;
  /** `alive`, `dying` or `dead`. */
  readonly life: string;
  readonly status: { readonly status: string; readonly message: string };
  /** The desired number of units. Juju needs time to reach it. */
  readonly scale: number;
  /** In the order of their numbers. */
  readonly units: readonly UnitStatus[];
  /** The applications at the other ends of its relations, by its endpoint. */
  readonly related: Readonly<Record<string, readonly string[]>>;
}

export interface ModelStatus {
  readonly name: string;
  readonly applications: ReadonlyMap<string, ApplicationStatus>;
}

export interface ActionOutcome {
  /** The id for `juju show-task`. */
  readonly task: string;
  readonly status: 'completed' | 'failed' | 'cancelled' | 'aborted' | 'error';
  /** What the charm said with action-fail; empty when it did not. */
  readonly message: string;
  readonly results: Readonly<Record<string, unknown>>;
}

/** A task as the controller keeps it, for about two weeks. */
export interface Task {
  /** The id for `juju show-task`; later ones are larger. */
  readonly id: string;
  readonly unit: string;
  readonly action: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly status: 'pending' | 'running' | 'aborting' | ActionOutcome['status'];
  readonly enqueued: Date;
  readonly started: Date | undefined;
  /** Undefined while it has not ended. */
  readonly completed: Date | undefined;
  /** Of the newest twenty that ended without success; empty for all others. */
  readonly results: Readonly<Record<string, unknown>>;
}

/**
 * A Juju model, as its API shows it to our user. Calls that may be repeated are retried when the
 * connection breaks.
 */
export interface JujuModel extends AsyncDisposable {
  /** Who we are logged in as, for the commands in messages. */
  readonly user: string;
  /** The access of the user. Scaling and running actions need `write` or `admin`. */
  readonly access: 'read' | 'write' | 'admin';
  readonly controllerVersion: string;
  status(): Promise<ModelStatus>;
  /** Sets the desired number of units and returns at once. May be repeated. */
  scale(application: string, units: number): Promise<void>;
  /** What an option of an application is set to now; undefined when it has no value. */
  option(application: string, name: string): Promise<unknown>;
  /** The names of the actions that an application's charm defines. */
  actionNames(application: string): Promise<readonly string[]>;
  /**
   * Enqueues an action exactly once, even when the connection breaks, and waits for its end without
   * a limit. Rejects only when it could not be enqueued, or when the controller stays away.
   */
  runAction(
    unit: string,
    action: string,
    parameters: Readonly<Record<string, unknown>>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<ActionOutcome>;
  /**
   * Enqueues an action exactly once, as `runAction` does, and does not wait. Returns the task's id.
   */
  enqueue(
    unit: string,
    action: string,
    parameters: Readonly<Record<string, unknown>>,
  ): Promise<string>;
  /** The tasks of these actions on an application's units, the oldest first. */
  tasks(application: string, actions: readonly string[]): Promise<readonly Task[]>;
}
