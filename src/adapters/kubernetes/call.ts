import { CharmError } from '../../errors.ts';
import type { ClusterAccess, Clock } from '../../world.ts';
import { ApiFailure, mayPass, toCharmError } from './errors.ts';

/** Does one thing at the API server; `what` completes "Kubernetes could not be asked to …". */
export type Call = <T>(what: string, work: (access: ClusterAccess) => Promise<T>) => Promise<T>;

interface CallOptions {
  readonly access: () => Promise<ClusterAccess>;
  readonly application: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const attempts = 4;
const firstPause = 500;

/**
 * Makes calls that may be repeated: what passes by itself is tried four times in about four seconds. Tokens of service
 * accounts rotate, so a 401 is answered by asking Juju for the access again, once. Rejects with a CharmError.
 */
export const createCall = ({ access, application, clock, signal }: CallOptions): Call => {
  let current: Promise<ClusterAccess> | undefined;

  return async (what, work) => {
    let renewed = false;
    for (let attempt = 1; ;) {
      signal.throwIfAborted();
      const used = await (current ??= access());
      try {
        return await work(used);
      } catch (cause) {
        if (signal.aborted) throw interrupted(what, signal);
        if (cause instanceof ApiFailure && cause.status === 401 && !renewed) {
          renewed = true;
          current = undefined;
        } else if (mayPass(cause) && attempt < attempts) {
          await clock.sleep(firstPause * 2 ** (attempt - 1), signal);
          attempt += 1;
        } else throw toCharmError(what, cause, { server: used.server, application });
      }
    }
  };
};

/** The signal's own reason when that is for an operator already. */
export const interrupted = (what: string, signal: AbortSignal): CharmError =>
  signal.reason instanceof CharmError
    ? signal.reason
    : new CharmError('interrupted', `We were stopped before we could ${what}.`, {
        cause: signal.reason,
      });
