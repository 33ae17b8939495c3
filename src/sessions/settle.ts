import { CharmError, orProblem } from '../errors.ts';
import { secondText } from '../text.ts';
import type { Task, World } from '../world.ts';
import type { Session } from './session.ts';

/** How a run ended whose process was gone before it could say so. */
export const killed = {
  phase: 'Failed',
  code: 'interrupted',
  reason:
    'The run was killed before it could say how it ended. What it had changed is put back by the next hook.',
} as const satisfies Partial<Session>;

/** Milliseconds that the controller may take to let us in. */
const hurry = 10_000;

type SettlingWorld = Pick<World, 'application' | 'clock' | 'openJuju'>;

/**
 * Finds out how runs ended whose records say that they are running: cancelled, when Juju says so,
 * and otherwise killed. `juju cancel-task` sends SIGKILL, so the action itself cannot say it. With
 * `mayRun` a run is left alone when the controller says that it goes on, or does not answer.
 */
export const settleRuns = async (
  world: SettlingWorld,
  sessions: readonly Session[],
  { mayRun }: { readonly mayRun: boolean },
): Promise<readonly Session[]> => {
  const running = sessions.filter(({ phase }) => phase === 'Running');
  if (running.length === 0) return sessions;
  const tasks = await orProblem(async () => {
    await using juju = await world.openJuju({ hurry });
    return await juju.tasks(world.application, ['backup-control-plane']);
  });
  const known = tasks instanceof CharmError ? undefined : tasks;
  if (known === undefined && mayRun) return sessions;
  return sessions.map((session) => {
    const task = known?.find(({ id }) => id === session.task);
    if (session.phase !== 'Running' || (mayRun && task !== undefined && isActive(task)))
      return session;
    return {
      ...session,
      ...{ finished: secondText(task?.completed ?? world.clock.now()) },
      ...(task !== undefined && wasCancelled(task) ? cancelled(task) : killed),
      inferred: true,
    };
  });
};

const isActive = ({ status }: Task): boolean => status === 'pending' || status === 'running';

const wasCancelled = ({ status }: Task): boolean =>
  status === 'aborting' || status === 'aborted' || status === 'cancelled';

const cancelled = ({ id }: Task) =>
  ({
    phase: 'Cancelled',
    code: 'interrupted',
    reason: `Task ${id} was cancelled. What it had changed is put back by the next hook.`,
  }) as const;
