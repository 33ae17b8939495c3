import type { RunningAction } from './context.ts';

/** An action as `juju run --format json` shows it. */
export interface ActionResult {
  readonly id: string;
  readonly status: 'completed' | 'failed';
  readonly message: string;
  /** What action-set said, nested at the dots, with `return-code` and what was printed. */
  readonly results: Readonly<Record<string, unknown>>;
  readonly log: readonly string[];
}

/**
 * How Juju turns the end of a process into the outcome of an action (Juju 3.6, runner/context
 * `finalizeAction`).
 */
export const actionResult = (
  action: RunningAction,
  end: {
    readonly exitCode: number | null;
    readonly signal: NodeJS.Signals | null;
    readonly stdout: string;
    readonly stderr: string;
  },
): ActionResult => {
  const results = {
    ...action.results,
    ...(end.stdout === '' ? {} : { stdout: end.stdout }),
    ...(end.stderr === '' ? {} : { stderr: end.stderr }),
    'return-code': end.exitCode ?? -1,
  };
  const outcome = (status: ActionResult['status'], message: string): ActionResult => ({
    id: action.task,
    status,
    message,
    results,
    log: action.log,
  });
  if (end.signal !== null) return outcome('failed', 'terminated');
  // The message of action-fail is lost when the process does not exit 0.
  if (end.exitCode !== 0) return outcome('failed', `exit status ${end.exitCode ?? -1}`);
  if (action.failure !== undefined) return outcome('failed', action.failure);
  return outcome('completed', '');
};
