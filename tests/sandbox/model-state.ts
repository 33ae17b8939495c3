/**
 * The state of a simulated Juju model. All of it is plain JSON, so that it can be saved and loaded.
 */
export interface ModelState {
  readonly name: string;
  readonly uuid: string;
  /** `juju disable-command all` */
  changesBlocked: boolean;
  /** Operations and tasks take their ids from one sequence, as in Juju. */
  lastId: number;
  readonly applications: Record<string, ApplicationState>;
  readonly relations: RelationState[];
  readonly tasks: TaskState[];
  readonly changes: ModelChange[];
}

export interface StatusState {
  readonly status: string;
  readonly message: string;
  readonly since: string;
}

export interface ApplicationState {
  readonly name: string;
  /** `ch:amd64/mysql-k8s-344` */
  charm: string;
  channel: string;
  revision: number;
  workloadVersion: string;
  life: 'alive' | 'dying' | 'dead';
  /** What the leader set; undefined: Juju derives it from the units. */
  status: StatusState | undefined;
  /** The desired number of units. */
  scale: number;
  /** As `juju config` has them, where a test sets some. */
  options?: Readonly<Record<string, string | number | boolean>>;
  /** In the order of their numbers. */
  units: UnitState[];
  /** The number that the next unit gets, where numbers are not used twice. */
  nextUnit: number;
  /** `pending`: new units stay in allocating. `absent`: they do not even show up in the status. */
  scheduling: 'normal' | 'pending' | 'absent';
}

export interface UnitState {
  /** `kfp-db/0` */
  readonly name: string;
  readonly number: number;
  leader: boolean;
  life: 'alive' | 'dying';
  workload: StatusState;
  agent: StatusState;
  readonly address: string;
}

export interface RelationState {
  readonly id: number;
  readonly interface: string;
  readonly provider: { readonly application: string; readonly endpoint: string };
  readonly requirer: { readonly application: string; readonly endpoint: string };
}

export type TaskStatus =
  'pending' | 'running' | 'aborting' | 'completed' | 'failed' | 'cancelled' | 'aborted';

/** One action on one unit; its operation holds nothing else. */
export interface TaskState {
  readonly id: string;
  readonly operation: string;
  readonly unit: string;
  readonly action: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  status: TaskStatus;
  /** ISO 8601 */
  readonly enqueued: string;
  started: string | undefined;
  completed: string | undefined;
  message: string;
  output: Readonly<Record<string, unknown>>;
  readonly log: { readonly timestamp: string; readonly message: string }[];
}

/** What somebody asked of the model, with what the model looked like at that instant. */
export type ModelChange =
  | {
      readonly kind: 'scale';
      readonly application: string;
      readonly from: number;
      readonly to: number;
      readonly at: string;
      readonly model: ModelPicture;
    }
  | {
      readonly kind: 'enqueue';
      readonly unit: string;
      readonly action: string;
      readonly parameters: Readonly<Record<string, unknown>>;
      readonly task: string;
      readonly at: string;
      readonly model: ModelPicture;
    };

/**
 * application -> its scale, and for each unit its `workload/agent` status, such as `active/idle`.
 */
export type ModelPicture = Readonly<
  Record<string, { readonly scale: number; readonly units: Readonly<Record<string, string>> }>
>;

export const isOver = (task: TaskState): boolean =>
  task.status !== 'pending' && task.status !== 'running' && task.status !== 'aborting';

export const pictureOf = (state: ModelState): ModelPicture =>
  Object.fromEntries(
    Object.values(state.applications).map(({ name, scale, units }) => [
      name,
      {
        scale,
        units: Object.fromEntries(
          units.map((unit) => [unit.name, `${unit.workload.status}/${unit.agent.status}`]),
        ),
      },
    ]),
  );
