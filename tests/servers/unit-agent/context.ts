import type { CharmFiles } from './charm.ts';
import type { RelationState, UnitAgentState } from './state.ts';
import type { RecordedCall } from './socket.ts';
import { ToolError } from './arguments.ts';

/** Results of an action: a value, or what lies below a key with a dot. */
export interface ActionResults {
  [key: string]: string | ActionResults;
}

export interface RunningAction {
  readonly name: string;
  readonly task: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  results: ActionResults;
  /** Set by action-fail. */
  failure?: string;
  readonly log: string[];
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
}

/**
 * One running hook or action. What it reads is a snapshot from when it started. `change` is seen by
 * the process at once and reaches the unit's state only with `commit`, which Juju does when the
 * process exits 0; `changeNow` is for what Juju sends to the controller without waiting for the
 * end.
 */
export interface HookContext {
  readonly id: string;
  readonly charm: CharmFiles;
  readonly seen: UnitAgentState;
  readonly relationId: number | undefined;
  readonly remoteUnit: string | undefined;
  readonly action: RunningAction | undefined;
  readonly logs: LogLine[];
  readonly statuses: { of: 'unit' | 'application'; status: string; message: string }[];
  change(apply: (state: UnitAgentState) => void): void;
  changeNow(apply: (state: UnitAgentState) => void): void;
  commit(): void;
}

/** A hook or action that has begun. */
export interface EnteredContext {
  readonly context: HookContext;
  readonly environment: Readonly<Record<string, string>>;
  readonly calls: readonly RecordedCall[];
  readonly progress: readonly string[];
  /** Ends it as a process with this exit status would; null is a signal. */
  leave(exitCode: number | null): void;
}

export const openContext = (
  id: string,
  state: UnitAgentState,
  charm: CharmFiles,
  event: Pick<HookContext, 'relationId' | 'remoteUnit' | 'action'>,
): HookContext => {
  const seen = structuredClone(state);
  const pending: ((state: UnitAgentState) => void)[] = [];
  return {
    id,
    charm,
    seen,
    ...event,
    logs: [],
    statuses: [],
    change(apply) {
      apply(seen);
      pending.push(apply);
    },
    changeNow(apply) {
      apply(seen);
      apply(state);
    },
    commit() {
      for (const apply of pending.splice(0)) apply(state);
    },
  };
};

/** The relation that `-r` names, as `3` or `endpoint:3`, or that of the hook. */
export const relationOf = (context: HookContext, given: string | undefined): RelationState => {
  const id = given === undefined ? context.relationId : Number(given.split(':').at(-1));
  if (id === undefined) throw new ToolError(2, 'no relation id specified');
  const relation = context.seen.relations.find((candidate) => candidate.id === id);
  if (relation === undefined)
    throw new ToolError(
      2,
      `invalid value ${JSON.stringify(given)} for option -r: relation not found`,
    );
  return relation;
};

export const relationIn = (state: UnitAgentState, id: number): RelationState | undefined =>
  state.relations.find((relation) => relation.id === id);

export const runningAction = (
  charm: CharmFiles,
  event: { readonly action: string; readonly parameters?: Readonly<Record<string, unknown>> },
  task: string,
): RunningAction => ({
  name: event.action,
  task,
  parameters: charm.actionParameters(event.action, event.parameters ?? {}),
  results: {},
  log: [],
});
