import { CharmError } from '../../errors.ts';
import type { ClusterAccess, Clock } from '../../world.ts';
import { retry } from '../retry.ts';
import { ApiFailure, mayPass, toCharmError } from './errors.ts';

/** Does one thing at the API server; `what` completes "Kubernetes could not be asked to …". */
export type Call = <T>(what: string, work: (access: ClusterAccess) => Promise<T>) => Promise<T>;

interface CallOptions {
  readonly access: () => Promise<ClusterAccess>;
  /** The token that is mounted into the pod now; undefined when there is none. */
  readonly token: () => Promise<string | undefined>;
  readonly application: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Milliseconds for which failures are retried: at first, when an address may be wrong and an
 * operator waits, and after the API server has answered once.
 */
const patienceToOpen = 4000;
const patience = 5 * 60_000;
const pauses = [500, 10_000] as const;

/**
 * Makes calls that may be repeated. Kubernetes renews the mounted token about once an hour and Juju
 * hands out the same one for a whole action, so the file is read for each call. A 401 is answered
 * by asking Juju again, once. Calls reject with a CharmError; `createCall` rejects when Juju gives
 * no access.
 */
export const createCall = async ({
  access,
  token,
  application,
  clock,
  signal,
}: CallOptions): Promise<Call> => {
  signal.throwIfAborted();
  let current: Promise<ClusterAccess> | undefined = Promise.resolve(await access());
  let hasAnswered = false;

  return async (what, work) => {
    let renewed = false;
    let server = '';
    const attempt = async (): ReturnType<typeof work> => {
      const [known, mounted] = await Promise.all([(current ??= access()), token()]);
      server = known.server;
      const result = await work(mounted === undefined ? known : { ...known, token: mounted });
      hasAnswered = true;
      return result;
    };
    const mayGoBetter = (cause: unknown): boolean => {
      if (!(cause instanceof ApiFailure) || cause.status !== 401 || renewed) return mayPass(cause);
      renewed = true;
      current = undefined;
      return true;
    };
    try {
      return await retry(attempt, {
        ...{ clock, signal, pauses, mayPass: mayGoBetter },
        patience: hasAnswered ? patience : patienceToOpen,
        asked: (cause) => (cause instanceof ApiFailure ? cause.retryAfter : undefined),
      });
    } catch (cause) {
      if (signal.aborted) throw interrupted(what, signal);
      throw toCharmError(what, cause, { server, application });
    }
  };
};

/** The signal's own reason when it is a message for an operator. */
export const interrupted = (what: string, signal: AbortSignal): CharmError =>
  signal.reason instanceof CharmError
    ? signal.reason
    : new CharmError('interrupted', `We were stopped before we could ${what}.`, {
        cause: signal.reason,
      });
