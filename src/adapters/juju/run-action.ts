import { isDeepStrictEqual } from 'node:util';
import type { ActionOutcome } from '../../world.ts';
import { ConnectionLost, JujuRpcError } from './errors.ts';
import { type ActionReply, parseActions, parseEnqueued } from './replies.ts';
import type { JujuSession } from './session.ts';
import { listActions } from './tasks.ts';

interface ActionCall {
  readonly unit: string;
  readonly action: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface RunOptions {
  /** Milliseconds for which a controller may stay away. */
  readonly patience: number;
  readonly signal: AbortSignal | undefined;
  /**
   * The tags of all tasks that this session started, so that two calls of one action do not take
   * each other's.
   */
  readonly started: Set<string>;
}

const shortestPoll = 100;
const longestPoll = 2500;
/**
 * How long a request may still be on its way through the controller when its connection has gone.
 */
const grace = 5000;

/**
 * Milliseconds between two looks at the unit while its task runs, and how often it has to be found
 * doing nothing.
 */
const betweenLooks = 20_000;
const idleLooks = 3;

/**
 * Starts an action exactly once and waits for its end. A signal ends the waiting only: the action
 * itself goes on.
 */
export const runAction = async (
  session: JujuSession,
  call: ActionCall,
  options: RunOptions & {
    /** Whether the unit's agent is at work with anything. */
    readonly isAtWork: () => Promise<boolean>;
  },
): Promise<ActionOutcome> => {
  const tag = await enqueueOnce(session, call, options);
  let sinceLook = 0;
  let idle = 0;
  for (let pause = shortestPoll; ; pause = Math.min(1.5 * pause, longestPoll)) {
    const reply = await session.retrying(() => lookAt(session, tag), options);
    const status = isFinal(reply.status);
    if (status)
      return {
        task: tag.replace(/^action-/, ''),
        status,
        message: reply.message ?? '',
        results: reply.output ?? {},
      };
    // Juju 4.0 never ends a task whose pod was force-deleted: it stays `running`, while the unit's
    // new agent does nothing.
    if (sinceLook >= betweenLooks) {
      sinceLook = 0;
      idle = reply.status === 'running' && !(await options.isAtWork()) ? idle + 1 : 0;
      if (idle >= idleLooks)
        return {
          task: tag.replace(/^action-/, ''),
          status: 'error',
          message: `the pod of ${call.unit} went away while it ran, so it is not known how it ended`,
          results: {},
        };
    }
    await session.sleep(pause, options.signal);
    sinceLook += pause;
  }
};

/**
 * How a task that we have enqueued is getting on. Juju says that there is none also when it could
 * not look (3.6, facades/client/action/action.go: whatever fails becomes ErrBadId), so that is no
 * answer, and one waits for another.
 */
const lookAt = async (session: JujuSession, tag: string): Promise<ActionReply> => {
  try {
    const entities = { entities: [{ tag }] };
    const { results } = parseActions(await session.call('Action', 'actions', entities));
    return answered(results?.[0]);
  } catch (error) {
    if (!(error instanceof JujuRpcError) || error.code !== 'not found') throw error;
    throw new ConnectionLost(`the controller does not find ${tag} (${error.message})`, {
      cause: error,
    });
  }
};

/** `aborting` is not the end, although Juju's own command line treats it as one. */
const isFinal = (status: string | undefined): ActionOutcome['status'] | undefined =>
  (['completed', 'failed', 'cancelled', 'aborted', 'error'] as const).find(
    (final) => final === status,
  );

/**
 * EnqueueOperation must not be repeated blindly, since the action would run twice. When the answer
 * was lost, we look for a new task of this action on the unit, now and a little later, and enqueue
 * again only when there is none.
 */
export const enqueueOnce = async (
  session: JujuSession,
  call: ActionCall,
  options: RunOptions,
): Promise<string> => {
  const { signal, started } = options;
  const before = new Set(
    (await session.retrying(() => tasksOf(session, call), options)).map(tagOf),
  );
  const claim = async (): Promise<string | undefined> => {
    const tasks = await tasksOf(session, call);
    const [first] = tasks
      .filter((task) => !before.has(tagOf(task)) && !started.has(tagOf(task)))
      .filter((task) => isTheSame(task, call))
      .map(tagOf)
      .sort((one, other) => numberIn(one) - numberIn(other));
    if (first !== undefined) started.add(first);
    return first;
  };
  let unanswered = false;
  const tag = await session.retrying(async () => {
    if (unanswered) {
      const found = await claim();
      if (found !== undefined) return found;
      await session.sleep(grace, signal);
      const late = await claim();
      if (late !== undefined) return late;
    }
    signal?.throwIfAborted();
    unanswered = true;
    try {
      return await enqueue(session, call);
    } catch (error) {
      if (error instanceof JujuRpcError) unanswered = false;
      throw error;
    }
  }, options);
  started.add(tag);
  return tag;
};

/**
 * One action in each call: Juju 4.0 fails the whole call when one of several cannot be enqueued.
 */
const enqueue = async (session: JujuSession, call: ActionCall): Promise<string> => {
  const { actions } = parseEnqueued(
    await session.call('Action', 'enqueueOperation', {
      actions: [
        { tag: '', receiver: unitTag(call.unit), name: call.action, parameters: call.parameters },
      ],
    }),
  );
  const { action } = answered(actions?.[0]);
  if (action) return action.tag;
  throw new JujuRpcError('the controller did not say which task it made of it', '');
};

const answered = (reply: ActionReply | undefined): ActionReply => {
  if (!reply) throw new JujuRpcError('the controller gave an empty answer', '');
  if (reply.error) throw new JujuRpcError(reply.error.message, reply.error.code ?? '');
  return reply;
};

const tasksOf = (
  session: JujuSession,
  { unit, action }: ActionCall,
): Promise<readonly ActionReply[]> => listActions(session, { units: [unit], actions: [action] });

const isTheSame = ({ action }: ActionReply, call: ActionCall): boolean =>
  action?.receiver === unitTag(call.unit) &&
  action.name === call.action &&
  // Juju adds the defaults of actions.yaml to what was given.
  Object.entries(call.parameters).every(
    ([name, value]) => !action.parameters || isDeepStrictEqual(action.parameters[name], value),
  );

const tagOf = ({ action }: ActionReply): string => action?.tag ?? '';

const numberIn = (tag: string): number => Number(tag.replace(/^\D+/, ''));

const unitTag = (unit: string): string => `unit-${unit.replace(/\/(?=[^/]*$)/, '-')}`;
