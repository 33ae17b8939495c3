import { CharmError, reasonOf } from '../../errors.ts';

/** A refusal of the API server, to a request or to the opening of a WebSocket. */
export class ApiFailure extends Error {
  readonly status: number;
  /** Milliseconds to wait, when the server asked for it. */
  readonly retryAfter: number | undefined;

  constructor(status: number, body: string, retryAfter?: string) {
    super(messageOf(body) || `HTTP status ${status}`);
    this.name = 'ApiFailure';
    this.status = status;
    const seconds = Number(retryAfter ?? NaN);
    this.retryAfter = Number.isFinite(seconds) ? seconds * 1000 : undefined;
  }
}

/** Whether a failure may pass by itself: connections, 429 and the server's own errors. */
export const mayPass = (cause: unknown): boolean =>
  !(cause instanceof CharmError) &&
  (!(cause instanceof ApiFailure) || cause.status === 429 || cause.status >= 500);

/**
 * What an operator is told. `what` completes "Kubernetes could not be asked to …", `application` is
 * our own name in Juju.
 */
export const toCharmError = (
  what: string,
  cause: unknown,
  { server, application }: { readonly server: string; readonly application: string },
): CharmError => {
  if (cause instanceof CharmError) return cause;
  if (!(cause instanceof ApiFailure) || mayPass(cause))
    return new CharmError(
      'kubernetes-unreachable',
      `The Kubernetes API at ${server} could not be asked to ${what}: ${rootReasonOf(cause)}. ` +
        'Check that the cluster is up and that this pod may connect to it.',
      { cause },
    );
  if (cause.status === 401)
    return new CharmError(
      'kubernetes-denied',
      `Kubernetes does not accept the token of this pod (${cause.message}). It renews that token by itself, so try again in some minutes; ` +
        `if that does not help, run: juju trust ${application} --scope=cluster`,
      { cause },
    );
  if (cause.status === 403)
    return new CharmError(
      'kubernetes-denied',
      `Kubernetes does not allow us to ${what}: ${cause.message}. Run: juju trust ${application} --scope=cluster`,
      { cause },
    );
  return new CharmError(
    'kubernetes-refused',
    `Kubernetes refused to ${what}: ${cause.message} (HTTP ${cause.status}).`,
    { cause },
  );
};

/** Node's fetch only says "fetch failed"; the reason is in its cause. */
const rootReasonOf = (cause: unknown): string => {
  if (cause instanceof AggregateError && cause.errors.length > 0)
    return cause.errors.map(rootReasonOf).join('; ');
  if (cause instanceof Error && cause.cause !== undefined) return rootReasonOf(cause.cause);
  return reasonOf(cause);
};

/**
 * The message of a Kubernetes Status object, or else the text itself, in one line that is not too
 * long.
 */
const messageOf = (body: string): string => {
  const text = statusMessage(body) ?? body;
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 500);
};

const statusMessage = (body: string): string | undefined => {
  try {
    const status: unknown = JSON.parse(body);
    return typeof status === 'object' &&
      status !== null &&
      'message' in status &&
      typeof status.message === 'string'
      ? status.message
      : undefined;
  } catch {
    return undefined;
  }
};
