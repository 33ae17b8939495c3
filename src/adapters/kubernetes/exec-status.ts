import { CharmError } from '../../errors.ts';

export interface ExitStatus {
  readonly exitCode: number;
  /** What the container runtime said when it could not start the command at all. */
  readonly reason?: string;
}

/**
 * Reads the Status object that the error channel of an exec carries at its end. A command that the runtime could not
 * start has no exit status of its own: as a shell does, we give 127 when the program is not there and 126 when it may not
 * be executed. Any other failure of the runtime is a CharmError.
 */
export const readExitStatus = (text: string): ExitStatus => {
  const status = parse(text);
  if (status.status === 'Success') return { exitCode: 0 };
  const exitCode = Number.parseInt(
    status.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message ?? '',
    10,
  );
  if (status.reason === 'NonZeroExitCode' && Number.isInteger(exitCode)) return { exitCode };
  const reason = status.message ?? text.slice(0, 500);
  if (/executable file .*not found|no such file or directory|exec: .*: stat /i.test(reason))
    return { exitCode: 127, reason };
  if (/exec: .*: permission denied/i.test(reason)) return { exitCode: 126, reason };
  throw new CharmError('kubernetes-refused', `Kubernetes could not run the command: ${reason}`);
};

interface Status {
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly causes?: readonly { readonly reason?: string; readonly message?: string }[];
  };
}

const parse = (text: string): Status => {
  try {
    const value: unknown = JSON.parse(text);
    if (isStatus(value)) return value;
  } catch {
    // It is said below, with the text.
  }
  throw new CharmError(
    'kubernetes-refused',
    `Kubernetes ended a command with a status that cannot be read: ${text.slice(0, 200)}`,
  );
};

const isStatus = (value: unknown): value is Status => {
  if (!isRecord(value) || !areTexts(value, 'status', 'reason', 'message')) return false;
  const { details } = value;
  if (details === undefined) return true;
  if (!isRecord(details)) return false;
  const { causes } = details;
  return (
    causes === undefined ||
    (Array.isArray(causes) &&
      causes.every((cause) => isRecord(cause) && areTexts(cause, 'reason', 'message')))
  );
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const areTexts = (value: Record<string, unknown>, ...keys: readonly string[]): boolean =>
  keys.every((key) => value[key] === undefined || typeof value[key] === 'string');
