import { CharmError, reasonOf } from '../../errors.ts';
import { says } from '../../wordings.ts';

/** What the controller answered to a request instead of a result. */
export class JujuRpcError extends Error {
  /** One of rpc/params/apierror.go, such as `unauthorized access`; often empty. */
  readonly code: string;
  readonly info: unknown;

  constructor(message: string, code: string, info?: unknown) {
    super(message);
    this.name = 'JujuRpcError';
    this.code = code;
    this.info = info;
  }
}

/** No answer came, so it is not known whether the controller did what was asked. */
export class ConnectionLost extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConnectionLost';
  }
}

const passingCodes = new Set([
  'try again',
  'excessive contention',
  'upgrade in progress',
  'model migration in progress',
]);

/**
 * Whether it may help to ask again later: the controller is busy, restarts, or is being upgraded.
 */
export const isPassing = (error: unknown): boolean =>
  error instanceof ConnectionLost ||
  (error instanceof JujuRpcError &&
    (passingCodes.has(error.code) || says(error.message, 'controllerInMaintenance')));

/**
 * What an operator reads; `attempt` completes "Juju would not …", `grant` is the command that gives
 * the missing access.
 */
export const asCharmError = (
  error: unknown,
  { attempt, grant }: { readonly attempt: string; readonly grant: string },
): unknown => {
  if (isPassing(error))
    return new CharmError(
      'juju-unreachable',
      `Juju's controller did not answer when asked to ${attempt} (${reasonOf(error)}). Nothing is wrong with the request itself: run it again when the controller is back.`,
      {
        cause: error,
        brief: { what: 'The Juju controller does not answer', run: 'juju show-controller' },
      },
    );
  if (!(error instanceof JujuRpcError)) return error;
  if (error.code === 'unauthorized access')
    return new CharmError(
      'juju-read-only',
      `Juju's controller does not let our user ${attempt} (${error.message}). Give it write access: ${grant}`,
      { cause: error, brief: { what: 'The Juju user may only read', run: grant } },
    );
  if (error.code === 'operation is blocked')
    return new CharmError(
      'juju-refused',
      `Changes to this model are disabled, so Juju would not ${attempt}. Enable them: juju enable-command all`,
      { cause: error, brief: { what: 'Changes are disabled', run: 'juju enable-command all' } },
    );
  return new CharmError('juju-refused', `Juju would not ${attempt}: ${error.message}`, {
    cause: error,
  });
};
