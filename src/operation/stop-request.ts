import { CharmError, orProblem } from '../errors.ts';
import type { Clock, JujuModel } from '../world.ts';

/** Milliseconds between two looks. */
const interval = 10_000;

export interface Stoppable {
  readonly juju: Pick<JujuModel, 'option'>;
  readonly clock: Clock;
  readonly application: string;
  /** Undefined outside of an action. */
  readonly task: string | undefined;
}

/**
 * Fires when an operator names the task in the option `stop-running`. Juju 4.0 does not cancel
 * tasks that run: `juju cancel-task` answers with an empty error, and the task goes on. No second
 * action can run at the same time as the first. But the controller tells our options at any time.
 * `config-get` would not do, because it tells the same for as long as the action runs.
 */
export const watchForStop = ({
  juju,
  clock,
  application,
  task,
}: Stoppable): AsyncDisposable & { readonly signal: AbortSignal } => {
  const [stopped, ended] = [new AbortController(), new AbortController()];
  const watch = async (): Promise<void> => {
    while (task !== undefined && !stopped.signal.aborted) {
      const slept = clock.sleep(interval, ended.signal).then(
        () => true,
        () => false,
      );
      if (!(await slept)) return;
      // A controller that is away is no reason to stop.
      const named = await orProblem(() => juju.option(application, 'stop-running'));
      if (named === task) stopped.abort(stoppedBy(task));
    }
  };
  const watching = watch();
  return {
    signal: stopped.signal,
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await watching;
    },
  };
};

/** How one stops the action, for its first line. */
export const howToStop = (application: string, task: string | undefined): string =>
  task === undefined ? '' : ` To stop it: juju config ${application} stop-running=${task}.`;

const stoppedBy = (task: string): CharmError =>
  new CharmError(
    'stopped',
    `The option stop-running names this task, ${task}, so it was stopped. Scales are put back; a backup that is stopped leaves no set.` +
      ' Nothing has to be reset: another task has another id.',
  );
