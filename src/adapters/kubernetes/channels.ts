import type { Readable, Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import { readExitStatus } from './exec-status.ts';

export interface ExecOutcome {
  readonly exitCode: number;
  readonly stderr: string;
}

/** The first byte of each message names a channel (kubernetes/apimachinery, remotecommand of v4 and v5). */
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, close: 255 } as const;
const stderrLimit = 64 * 1024;
const stdinPiece = 32 * 1024;

/**
 * Takes what the server sends, and calls `end` with what the error channel says. When stdout is full the socket is paused, so
 * that the command has to wait in its turn.
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
 * Sends all of a stream. Only v5.channel.k8s.io can tell the command that its stdin has ended: with a server before
 * Kubernetes 1.30 (v4) a command must know by itself how much to read.
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

/** Resolves when the message has left; a command that ended without reading all of its stdin is no failure. */
const send = async (socket: WebSocket, to: number, bytes: Buffer): Promise<void> => {
  const sent = Promise.withResolvers<undefined>();
  socket.send(Buffer.concat([Buffer.of(to), bytes]), () => {
    sent.resolve(undefined);
  });
  await sent.promise;
};
