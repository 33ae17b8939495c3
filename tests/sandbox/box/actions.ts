import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { readCharmFiles } from '../../servers/unit-agent/charm.ts';
import type { ActionResult } from '../../servers/unit-agent/outcome.ts';
import type {
  DispatchResult,
  RunningDispatch,
  UnitAgent,
} from '../../servers/unit-agent/unit-agent.ts';
import type { ActionHandler } from '../model-core.ts';
import type { Model } from '../model.ts';

const checkout = join(import.meta.dirname, '../../..');

/** An action of ours as `juju run` shows it, with all that its process did. */
export interface ActionRun extends ActionResult {
  readonly dispatch: DispatchResult;
}

export interface StartedAction {
  /** As `juju cancel-task`: SIGKILL to the charm's process, and nothing else. */
  cancel(): void;
  /** Sends a signal to the charm's process at once; nothing when it does not run. */
  signal(name: NodeJS.Signals): void;
  readonly done: Promise<ActionRun>;
}

/**
 * What starts our actions through the model's queue, so that the controller shows them like all
 * others.
 */
export interface BackupActions {
  /** The handlers, for the application's definition. */
  readonly handlers: Readonly<Record<string, ActionHandler>>;
  /** Sends a signal to the process of the action that a unit runs. Returns whether there is one. */
  signal(unit: string, name: NodeJS.Signals): boolean;
  /**
   * Throws with Juju's words when the parameters do not fit actions.yaml: such an action is never
   * enqueued.
   */
  start(
    model: Model,
    unit: string,
    action: string,
    parameters: Readonly<Record<string, unknown>>,
  ): StartedAction;
}

export const backupActions = (agentOf: (unit: string) => UnitAgent): BackupActions => {
  const charm = readCharmFiles(checkout);
  /** What was started here, by its task. */
  const waiting = new Map<string, PromiseWithResolvers<DispatchResult>>();
  const running = new Map<string, RunningDispatch & { readonly unit: string }>();
  const handler =
    (action: string): ActionHandler =>
    async ({ unit, parameters, task, log, signal }) => {
      const dispatch = agentOf(unit).start({ action, parameters, task });
      running.set(task, Object.assign(dispatch, { unit }));
      signal.addEventListener('abort', () => {
        dispatch.kill('SIGKILL');
      });
      const result = await dispatch.done;
      running.delete(task);
      waiting.get(task)?.resolve(result);
      waiting.delete(task);
      for (const line of result.action?.log ?? []) log(line);
      const { status, message = '', results = {} } = result.action ?? {};
      return status === 'completed' ? { results } : { results, failed: message };
    };
  return {
    handlers: Object.fromEntries(actionNames().map((action) => [action, handler(action)])),
    signal: (unit, name) =>
      [...running.values()].some((action) => action.unit === unit && action.kill(name)),
    start(model, unit, action, parameters) {
      charm.actionParameters(action, parameters);
      const outcome = Promise.withResolvers<DispatchResult>();
      const { id } = model.enqueue(unit, action, parameters);
      waiting.set(id, outcome);
      return {
        cancel: () => void model.cancel(id),
        signal: (name) => void running.get(id)?.kill(name),
        done: outcome.promise.then(async (dispatch) => {
          await model.ended(id);
          if (dispatch.action === undefined) throw new Error(`${action} did not run as an action`);
          return { ...dispatch.action, dispatch };
        }),
      };
    },
  };
};

const actionNames = (): string[] => {
  const actions: unknown = parse(readFileSync(join(checkout, 'actions.yaml'), 'utf8'));
  return Object.keys(actions ?? {});
};
