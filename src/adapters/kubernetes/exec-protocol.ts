import type { Readable, Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import { CharmError } from '../../errors.ts';

export interface ExecOutcome {
  readonly exitCode: number;
  readonly stderr: string;
}

/**
 * The first byte of each message names a channel (kubernetes/apimachinery, remotecommand of v4 and
 * v5).
 */
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, close: 255 } as const;
const stderrLimit = 64 * 1024;
const stdinPiece = 32 * 1024;

/**
 * Takes what the server sends, and calls `end` with what the error channel says. When stdout is
 * full the socket is paused, so that the command waits.
 */
export const receive = (
  socket: WebSocket,
  stdout: Writable | undefined,
  end: (outcome: () => ExecOutcome) => void,
): void => {
  const stderr: Buffer[] = [];
  let room = stderrLimit;
  socket.on('message', (data: Buffer) => {
    const payload = data.subarray(1);
    if (payload.length === 0) return;
    if (data[0] === channel.stdout && stdout?.writable && !stdout.write(payload)) {
      socket.pause();
      stdout.once('drain', () => {
        socket.resume();
      });
    } else if (data[0] === channel.stderr && room > 0) {
      stderr.push(payload.subarray(0, room));
      room -= payload.length;
    } else if (data[0] === channel.error)
      end(() => {
        const { exitCode, reason } = readExitStatus(payload.toString());
        return { exitCode, stderr: reason ?? Buffer.concat(stderr).toString() };
      });
  });
};

/**
 * Sends all of a stream. Only v5.channel.k8s.io can tell the command that its stdin has ended: with
 * a server before Kubernetes 1.30 (v4) a command must know by itself how much to read.
 */
export const sendStdin = async (socket: WebSocket, stdin: Readable): Promise<void> => {
  for await (const chunk of stdin) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    for (let start = 0; start < bytes.length; start += stdinPiece)
      await send(socket, channel.stdin, bytes.subarray(start, start + stdinPiece));
  }
  if (socket.protocol === 'v5.channel.k8s.io')
    await send(socket, channel.close, Buffer.of(channel.stdin));
};

/**
 * Resolves when the message was sent. It is no failure when the command ends before it has read all
 * of its stdin.
 */
const send = async (socket: WebSocket, to: number, bytes: Buffer): Promise<void> => {
  const sent = Promise.withResolvers<undefined>();
  socket.send(Buffer.concat([Buffer.of(to), bytes]), () => {
    sent.resolve(undefined);
  });
  await sent.promise;
};

interface ExitStatus {
  readonly exitCode: number;
  /** What the container runtime said when it could not start the command at all. */
  readonly reason?: string;
}

/**
 * Reads the Status object that the error channel of an exec carries at its end. A command that the
 * runtime could not start has no exit status. As a shell does, we give 127 when there is no such
 * program and 126 when it may not be executed. Any other failure of the runtime is a CharmError.
 */
const readExitStatus = (text: string): ExitStatus => {
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
    // The error is thrown below, with the text.
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
