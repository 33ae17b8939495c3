import { CharmError, reasonOf } from '../../errors.ts';
import type { JujuModel, ModelStatus } from '../../world.ts';
import { asCharmError, ConnectionLost, isPassing, JujuRpcError } from './errors.ts';
import type { FacadeName } from './facades.ts';
import type { JujuLogin } from './login.ts';
import {
  type ReplyError,
  parseCharmActions,
  parseOptions,
  parseScaled,
  parseStatus,
} from './replies.ts';
import { enqueueOnce, runAction } from './run-action.ts';
import { type JujuSessionOptions, JujuSession } from './session.ts';
import { modelStatus } from './status.ts';
import { listTasks } from './tasks.ts';

/*
 * This folder is the client of Juju's controller: login, status, scale, actions and tasks.
 */

export interface JujuModelOptions extends JujuSessionOptions {
  /**
   * Milliseconds: for how long to try to log in, and later for how long a controller may stay away.
   * Undefined: as long as an action waits.
   */
  readonly hurry: number | undefined;
}

/**
 * Milliseconds for which a controller may be silent: at first, when an address or a password may be
 * wrong, and later, when it may be restarting.
 */
const patienceToOpen = 30_000;
const patienceOfActions = 15 * 60_000;

/**
 * Logs in to a model over the controller's API, with jujulib's facades on our own transport. Opens
 * for a user with read access too; `access` tells. Rejects with `juju-login-refused`,
 * `juju-credentials-invalid`, `juju-unreachable` or `juju-refused`.
 */
export const openJujuModel = async (options: JujuModelOptions): Promise<JujuModel> => {
  const { username, model, hurry: patience = patienceOfActions } = options;
  const grant = `juju grant ${username} write ${model.name}`;
  const session = new JujuSession(options);
  const { access, controllerVersion } = await logIn(session, options).catch(
    async (error: unknown) => {
      await session[Symbol.asyncDispose]();
      throw unreachable(error);
    },
  );

  const started = new Set<string>();
  const attempting = async <T>(attempt: string, work: () => Promise<T>): Promise<T> =>
    work().catch((error: unknown) => {
      throw asCharmError(error, { attempt, grant });
    });
  const ask = async <T>(
    attempt: string,
    [facade, method, params]: readonly [FacadeName, string, unknown],
    read: (reply: unknown) => T,
  ): Promise<T> =>
    attempting(attempt, () =>
      session.retrying(async () => read(await session.call(facade, method, params)), { patience }),
    );

  const status = (): Promise<ModelStatus> =>
    ask(
      'tell the state of the model',
      ['Client', 'fullStatus', { patterns: [], 'include-storage': false }],
      (reply) => modelStatus(parseStatus(reply)),
    );
  const isAtWork = async (name: string): Promise<boolean> => {
    const { applications } = await status();
    const unit = applications
      .get(name.slice(0, name.lastIndexOf('/')))
      ?.units.find((candidate) => candidate.name === name);
    return unit?.agent.status === 'executing';
  };

  return {
    user: username,
    access,
    controllerVersion,
    status,
    scale: (application, units) =>
      ask(
        `scale ${application} to ${units} units`,
        [
          'Application',
          'scaleApplications',
          {
            applications: [
              { 'application-tag': `application-${application}`, scale: units, force: false },
            ],
          },
        ],
        (reply) => {
          throwFirst(parseScaled(reply).results);
        },
      ),
    option: (application, name) =>
      ask(
        `tell the options of ${application}`,
        ['Application', 'get', { application, branch: '' }],
        (reply) => parseOptions(reply).config?.[name]?.value,
      ),
    actionNames: (application) =>
      ask(
        `tell the actions of ${application}`,
        [
          'Action',
          'applicationsCharmsActions',
          { entities: [{ tag: `application-${application}` }] },
        ],
        (reply) => {
          const { results } = parseCharmActions(reply);
          throwFirst(results);
          return results.flatMap(({ actions }) => Object.keys(actions ?? {})).sort();
        },
      ),
    runAction: (unit, action, parameters, { signal } = {}) =>
      attempting(`run ${action} on ${unit}`, () =>
        runAction(
          session,
          { unit, action, parameters },
          { patience, signal, started, isAtWork: () => isAtWork(unit) },
        ),
      ),
    enqueue: (unit, action, parameters) =>
      attempting(`run ${action} on ${unit}`, async () => {
        const call = { unit, action, parameters };
        const tag = await enqueueOnce(session, call, { patience, signal: undefined, started });
        return tag.replace(/^action-/, '');
      }),
    tasks: (application, actions) =>
      attempting(`tell the tasks of ${application}`, () =>
        session.retrying(() => listTasks(session, application, actions), { patience }),
      ),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
};

const logIn = async (
  session: JujuSession,
  { hurry, clock, endpoints }: JujuModelOptions,
): Promise<JujuLogin> => {
  if (hurry === undefined)
    return session.retrying(() => session.login(), { patience: patienceToOpen });
  const [late, ended] = [new AbortController(), new AbortController()];
  clock.sleep(hurry, ended.signal).then(
    () => {
      late.abort(
        new ConnectionLost(`no answer within ${hurry / 1000} s from ${endpoints.join(', ')}`),
      );
    },
    () => undefined,
  );
  try {
    return await session.retrying(() => session.login(), { patience: hurry, signal: late.signal });
  } finally {
    ended.abort();
  }
};

/** A bulk call succeeds as a whole; each of its items may have failed. */
const throwFirst = (results: readonly { readonly error?: ReplyError | null }[]): void => {
  for (const { error } of results)
    if (error) throw new JujuRpcError(error.message, error.code ?? '');
};

const unreachable = (error: unknown): unknown => {
  if (isPassing(error))
    return new CharmError(
      'juju-unreachable',
      `Juju's controller cannot be reached (${reasonOf(error)}). It may be restarting; if not, check that this unit can connect to it, and compare the endpoints in the secret of the option juju-credentials, when there are any, with those of juju show-controller.`,
      {
        cause: error,
        brief: { what: 'The Juju controller cannot be reached', run: 'juju show-controller' },
      },
    );
  return error instanceof JujuRpcError
    ? new CharmError('juju-refused', `Juju's controller refused the login: ${error.message}`, {
        cause: error,
      })
    : error;
};
