/*
 * The agent of one unit: runs the charm's real `dispatch` as Juju does and answers its hook tools.
 *
 *   await using agent = await startUnitAgent({ state: newUnit({ config: { transfers: 4 } }) });
 *   agent.state.relations.push(newRelation(1, 's3-credentials', 's3-integrator', { bucket: 'b' }));
 *   const hook = await agent.dispatch({ hook: 's3-credentials-relation-changed', relation: 1 });
 *   const run = await agent.dispatch({ action: 'check', parameters: { 'allow-running': true } });
 *   run.action?.status;   // 'completed' | 'failed', as `juju run` shows it
 *
 * `agent.state` is plain data (unit-agent-state.ts): change it between dispatches to play the
 * other applications, or save it with JSON.stringify. `agent.start` is `dispatch` for those who
 * want to kill it on the way. Dispatches queue up, as in Juju. Everything lies in one temporary
 * directory, which closing the agent removes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { readCharmFiles } from './charm.ts';
import {
  type EnteredContext,
  type HookContext,
  type LogLine,
  runningAction,
  openContext,
} from './context.ts';
import { type AgentEvent, hookEnvironment } from './environment.ts';
import { type ActionResult, actionResult } from './outcome.ts';
import { type RecordedCall, listenForTools, progressOf } from './socket.ts';
import { layOutUnit } from './layout.ts';
import { type UnitAgentState, newStorage, newUnit } from './state.ts';

export interface UnitAgentOptions {
  readonly state?: UnitAgentState;
  /** The built charm; the checkout by default. */
  readonly charm?: string;
  /** Written to agent.conf and JUJU_API_ADDRESSES. `ca` is PEM. */
  readonly controller?: { readonly addresses: readonly string[]; readonly ca: string };
  /** Added to the charm's environment, for what Juju passes through (KUBERNETES_*). */
  readonly environment?: Readonly<Record<string, string>>;
  /** Called with each line of action-log and each unit status as it comes. */
  readonly onProgress?: (line: string) => void;
}

export interface DispatchResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Every status that was set, in order, of the unit and of the application. */
  readonly statuses: HookContext['statuses'];
  /** What went to juju-log. */
  readonly logs: readonly LogLine[];
  readonly calls: readonly RecordedCall[];
  /** How Juju reports the action. */
  readonly action: ActionResult | undefined;
}

export interface RunningDispatch {
  /**
   * Sends a signal to the charm's process, and to no other, as `juju cancel-task` does with
   * SIGKILL. Returns whether there was one.
   */
  kill(signal: NodeJS.Signals): boolean;
  /** What has been logged so far. */
  readonly progress: readonly string[];
  readonly done: Promise<DispatchResult>;
}

export interface UnitAgent extends AsyncDisposable {
  readonly state: UnitAgentState;
  /** Where the unit's files are; `storage/<name>-<n>` and `agents/unit-…` lie below. */
  readonly directory: string;
  start(event: AgentEvent): RunningDispatch;
  dispatch(event: AgentEvent): Promise<DispatchResult>;
  /** Begins a hook or action without running the charm, for those who call the tools themselves. */
  enter(event: AgentEvent): EnteredContext;
  /** Mounts a filesystem for a storage of metadata.yaml and returns its directory. */
  attachStorage(name: string): Promise<string>;
}

export const startUnitAgent = async (options: UnitAgentOptions = {}): Promise<UnitAgent> => {
  const state = options.state ?? newUnit();
  const { addresses = [], ca = '' } = options.controller ?? {};
  const source = resolve(options.charm ?? join(import.meta.dirname, '../../..'));
  const directory = await mkdtemp(join(tmpdir(), 'unit-'));
  const { charmDirectory, toolsDirectory } = await layOutUnit(directory, source, state, {
    addresses,
    ca,
  });
  const socket = join(directory, 'agent.socket');
  const charm = readCharmFiles(source);
  let context: HookContext | undefined;
  let calls: RecordedCall[] = [];
  let progress: string[] = [];
  const server = await listenForTools(
    socket,
    () => context,
    (call) => {
      calls.push(call);
      const line = progressOf(call);
      if (line === undefined) return;
      progress.push(line);
      options.onProgress?.(line);
    },
  );
  let tasks = 0;
  let queue: Promise<unknown> = Promise.resolve();

  const enter = (event: AgentEvent): EnteredContext => {
    const count = String(++tasks);
    const task = 'action' in event ? (event.task ?? count) : count;
    const name = 'hook' in event ? event.hook : event.action;
    const contextId = `${state.application}/${state.unit}-${name}-${randomBytes(16).toString('hex')}`;
    const open = openContext(contextId, state, charm, {
      relationId: 'hook' in event ? event.relation : undefined,
      remoteUnit: 'hook' in event ? event.remoteUnit : undefined,
      action: 'hook' in event ? undefined : runningAction(charm, event, task),
    });
    const recorded: RecordedCall[] = [];
    [context, calls, progress] = [open, recorded, []];
    return {
      context: open,
      calls: recorded,
      progress,
      environment: hookEnvironment(state, event, {
        ...{ contextId, charmDirectory, toolsDirectory, socket, task },
        apiAddresses: addresses,
        extra: options.environment ?? {},
      }),
      leave(exitCode) {
        context = undefined;
        if (exitCode === 0) open.commit();
      },
    };
  };

  const run = async (
    event: AgentEvent,
    started: (child: ChildProcess, progress: readonly string[]) => void,
  ): Promise<DispatchResult> => {
    const entered = enter(event);
    const child = spawn(join(charmDirectory, 'dispatch'), [], {
      cwd: charmDirectory,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: entered.environment,
    });
    started(child, entered.progress);
    const [[exitCode, signal], stdout, stderr] = await Promise.all([
      once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
      text(child.stdout),
      text(child.stderr),
    ]);
    entered.leave(exitCode);
    const { action, statuses, logs } = entered.context;
    const end = { exitCode, signal, stdout, stderr };
    const outcome = action && actionResult(action, end);
    return { ...end, statuses, logs, calls: entered.calls, action: outcome };
  };

  const start = (event: AgentEvent): RunningDispatch => {
    let child: ChildProcess | undefined;
    let lines: readonly string[] = [];
    const done = queue.then(() =>
      run(event, (started, its) => {
        child = started;
        lines = its;
      }),
    );
    queue = done.catch(() => undefined);
    return {
      done,
      get progress() {
        return lines;
      },
      kill: (signal) => child?.kill(signal) ?? false,
    };
  };

  return {
    state,
    directory,
    start,
    dispatch: (event) => start(event).done,
    enter,
    async attachStorage(name) {
      if (!charm.storages.has(name)) throw new Error(`metadata.yaml declares no storage ${name}`);
      const instances = (state.storage[name] ??= []);
      const location = join(directory, 'storage', `${name}-${instances.length}`);
      await mkdir(location, { recursive: true });
      instances.push(newStorage(location, 19 + instances.length));
      return location;
    },
    async [Symbol.asyncDispose]() {
      await queue;
      server.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
};
