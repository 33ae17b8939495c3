import type { Task } from '../../world.ts';
import { type ActionReply, parseActions, parseOperations } from './replies.ts';
import type { JujuSession } from './session.ts';

/** We ask for the results of so many tasks that ended without success. */
const mostResults = 20;

/**
 * The tasks of actions, the oldest first. Juju's list of operations has no results, so a second
 * call asks for them.
 */
export const listTasks = async (
  session: JujuSession,
  application: string,
  actions: readonly string[],
): Promise<readonly Task[]> => {
  const replies = await listActions(session, { applications: [application], actions });
  const tasks = replies.flatMap(taskOf).sort((one, other) => Number(one.id) - Number(other.id));
  const failed = tasks.filter(({ status }) => status === 'failed').slice(-mostResults);
  if (failed.length === 0) return tasks;
  const { results } = parseActions(
    await session.call('Action', 'actions', {
      entities: failed.map(({ id }) => ({ tag: `action-${id}` })),
    }),
  );
  const outputs = new Map((results ?? []).map((reply) => [idOf(reply), reply.output ?? {}]));
  return tasks.map((task) => ({ ...task, results: outputs.get(task.id) ?? {} }));
};

/**
 * Only the first page tells whether there are more (Juju's state/operation.go compares with the
 * total).
 */
export const listActions = async (
  session: JujuSession,
  query: Readonly<Record<string, readonly string[]>>,
): Promise<readonly ActionReply[]> => {
  const tasks: ActionReply[] = [];
  for (let offset = 0; ;) {
    const { results, truncated } = parseOperations(
      await session.call('Action', 'listOperations', { ...query, offset }),
    );
    tasks.push(...(results ?? []).flatMap(({ actions }) => actions ?? []));
    offset += results?.length ?? 0;
    if (!truncated || results?.length === 0) return tasks;
  }
};

const taskOf = (reply: ActionReply): readonly Task[] => {
  const { action, status, enqueued, started, completed } = reply;
  const known = statuses.find((one) => one === status);
  if (!action || known === undefined) return [];
  return [
    {
      id: idOf(reply),
      unit: action.receiver.replace(/^unit-(.*)-(\d+)$/, '$1/$2'),
      action: action.name,
      parameters: action.parameters ?? {},
      status: known,
      enqueued: timeOf(enqueued) ?? new Date(0),
      started: timeOf(started),
      completed: timeOf(completed),
      results: {},
    },
  ];
};

const statuses = [
  ...(['pending', 'running', 'aborting', 'completed', 'failed', 'cancelled', 'aborted'] as const),
  'error' as const,
];

const idOf = ({ action }: ActionReply): string => (action?.tag ?? '').replace(/^action-/, '');

/** Go's zero time is the year 1. */
const timeOf = (text: string | undefined): Date | undefined => {
  const time = new Date(text ?? '');
  return Number.isNaN(time.getTime()) || time.getUTCFullYear() < 1970 ? undefined : time;
};
