import { excerpt } from './text.ts';

/**
 * Every failure that we expect, by the code that an operator can search for. Any other error is a
 * bug and may crash the process. `transient` failures pass by themselves (the charm waits or tries
 * again); for all others an operator has to act.
 */
export const errorCodes = {
  'parameter-invalid': 'operator',
  'option-invalid': 'operator',
  'not-leader': 'operator',
  'journal-unavailable': 'operator',
  'journal-pending': 'transient',
  'disk-full': 'operator',
  interrupted: 'transient',
  stopped: 'operator',

  'juju-tool-failed': 'transient',
  'deadline-exceeded': 'operator',
  'scheduled-backup-failed': 'operator',
  'notify-url-unusable': 'operator',
  'notification-failed': 'transient',
  'exporter-silent': 'transient',
  'run-log-unsent': 'transient',

  'juju-credentials-missing': 'operator',
  'juju-credentials-not-granted': 'operator',
  'juju-credentials-invalid': 'operator',
  'secret-unreadable': 'operator',
  'juju-login-refused': 'operator',
  'juju-read-only': 'operator',
  'juju-unreachable': 'transient',
  'juju-refused': 'operator',

  'kubernetes-unreachable': 'transient',
  'kubernetes-denied': 'operator',
  'kubernetes-refused': 'operator',

  'proxy-invalid': 'operator',
  'relation-missing': 'operator',
  'relation-incomplete': 'transient',
  'relation-invalid': 'operator',

  'store-unreachable': 'transient',
  'store-denied': 'operator',
  'store-bucket-missing': 'operator',
  'store-refused': 'operator',
  'store-corrupt': 'operator',
  'store-wants-digest': 'operator',
  'store-refuses-tags': 'operator',
  'tags-unreadable': 'operator',
  'keys-refused': 'operator',
  'object-missing': 'operator',
  'object-changed': 'transient',
  'object-exists': 'operator',
  'object-archived': 'operator',

  'application-missing': 'operator',
  'application-unhealthy': 'operator',
  'application-unequipped': 'operator',
  'scale-timed-out': 'operator',
  'scale-refused': 'operator',
  'workloads-running': 'operator',
  'preflight-failed': 'operator',

  'database-unhealthy': 'operator',
  'database-store-unreachable': 'operator',
  'database-claimed': 'operator',
  'database-path-moved': 'transient',
  'database-backup-failed': 'operator',
  'database-restore-failed': 'operator',
  'database-version': 'operator',

  'mlmd-missing': 'operator',
  'mlmd-corrupt': 'operator',
  'mlmd-dump-failed': 'operator',
  'mlmd-proof-failed': 'operator',
  'mlmd-restore-failed': 'operator',

  'source-is-target': 'operator',
  'source-shrunk': 'operator',
  'objects-failed': 'operator',

  'prefix-claimed': 'operator',
  'backup-running': 'operator',
  'backup-missing': 'operator',
  'session-missing': 'operator',
  'backup-protected': 'operator',
  'clock-wrong': 'operator',
  'manifest-invalid': 'operator',
  'signature-invalid': 'operator',
  'set-damaged': 'operator',

  'volumes-off': 'operator',
  'volumes-key-invalid': 'operator',
  'volumes-key-changed': 'operator',
  'volumes-failed': 'operator',
  'volume-image-old': 'operator',
  'volume-missing': 'operator',
  'volume-in-use': 'operator',
  'volume-not-started': 'operator',
  'volume-unreadable': 'operator',
  'volume-locked': 'operator',
  'volume-damaged': 'operator',
  'volume-command-failed': 'operator',
  'volume-backup-missing': 'operator',
} as const satisfies Record<string, 'transient' | 'operator'>;

export type ErrorCode = keyof typeof errorCodes;

/** A failure for a status, which is short: what is wrong, and the one command to begin with. */
export interface Brief {
  readonly what: string;
  readonly run: string;
}

/**
 * An expected failure. `message` is one or two sentences for an operator: what happened, what state
 * things are in, what to do. It never holds a secret, and does not end with the code: `charm.ts`
 * adds that in brackets.
 */
export class CharmError extends Error {
  readonly code: ErrorCode;
  /** Results of an action that found something although it failed. */
  readonly results: Readonly<Record<string, string>>;
  /**
   * The reason, without what was being done. Failures with the same cause have the same text here,
   * so that the cause is told once.
   */
  readonly why: string;
  /** The failures that are summed up in this one; empty when there is only this one. */
  readonly problems: readonly CharmError[];
  readonly brief: Brief | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: {
      readonly cause?: unknown;
      readonly results?: Readonly<Record<string, string>>;
      readonly why?: string;
      readonly problems?: readonly CharmError[];
      readonly brief?: Brief;
    } = {},
  ) {
    super(message, options);
    this.name = 'CharmError';
    this.code = code;
    this.results = options.results ?? {};
    this.why = options.why ?? message;
    this.problems = options.problems ?? [];
    this.brief = options.brief;
  }
}

export const hasCode = (error: unknown, ...codes: readonly ErrorCode[]): error is CharmError =>
  error instanceof CharmError && codes.includes(error.code);

/** The text of anything thrown, for use inside another message. */
export const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(nodesAdvice, '');

/**
 * Node's advice about a certificate is left out: an operator cannot give options to the charm's
 * Node.
 */
const nodesAdvice = /; if the root CA is installed locally.*$/s;

/**
 * An expected failure as a value, for those who collect failures; what is not expected is thrown
 * on. Several failures, such as those of a body and of its undo, are one with the code of the first
 * cause.
 */
export const orProblem = async <T>(work: () => Promise<T>): Promise<T | CharmError> => {
  try {
    return await work();
  } catch (error) {
    const failures = expectedFailures(error);
    const [first] = failures ?? [];
    if (failures === undefined || first === undefined) throw error;
    if (failures.length === 1) return first;
    const message = failures.map((failure) => failure.message).join(' Then: ');
    return new CharmError(first.code, message, { cause: error, problems: failures });
  }
};

/**
 * The expected failures that something thrown consists of, the first cause first: a body and its
 * undo may both have failed (SuppressedError), and so may several that ran side by side
 * (AggregateError). Undefined when any of them is a bug.
 */
export const expectedFailures = (error: unknown): readonly CharmError[] | undefined => {
  if (error instanceof CharmError) return [error];
  const causes: readonly unknown[] | undefined =
    error instanceof SuppressedError
      ? [error.suppressed, error.error]
      : error instanceof AggregateError
        ? error.errors
        : undefined;
  if (causes === undefined || causes.length === 0) return undefined;
  const failures = causes.map(expectedFailures);
  if (failures.includes(undefined)) return undefined;
  return [
    ...new Map(
      failures.flatMap((some) => some ?? []).map((known) => [known.message, known]),
    ).values(),
  ];
};

/** What an operator reads: each message with its code in brackets. */
export const failureText = (failures: readonly CharmError[]): string =>
  failures.map(({ message, code }) => `${message} [${code}]`).join(' Then: ');

/** The longest line that a person still reads, in characters. */
export const longestMessage = 400;

/**
 * As `failureText`, in one line that can be read: from what is too long the middle of each message
 * is left out.
 */
export const shortFailureText = (failures: readonly CharmError[]): string => {
  const whole = failureText(failures);
  if (whole.length <= longestMessage) return whole;
  const frame = failures.reduce((sum, { code }) => sum + code.length + ' [] Then: '.length, 0);
  const share = Math.floor((longestMessage - frame) / failures.length);
  return failures
    .map(({ message, code }) => `${excerpt(message, Math.max(share, 20))} [${code}]`)
    .join(' Then: ');
};

/** The error when nobody ran `juju trust`, for the status and for actions alike. */
export const notTrusted = (application: string): CharmError =>
  new CharmError(
    'kubernetes-denied',
    `Juju does not let this application speak to Kubernetes. Run: juju trust ${application} --scope=cluster`,
    { brief: { what: 'Not trusted', run: `juju trust ${application} --scope=cluster` } },
  );
