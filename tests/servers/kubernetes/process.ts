import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { translate, type ContainerDefinition } from './pod.ts';

/** What goes wrong with one exec. Bytes are bytes of its stdout. */
export type ExecFault =
  | { readonly kind: 'drop'; readonly afterBytes: number }
  | { readonly kind: 'restart'; readonly afterBytes: number }
  /**
   * The rest of stdout is lost, and success reported all the same (kubernetes/kubernetes#124571).
   */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  | { readonly kind: 'silent' }
  | { readonly kind: 'no-status' }
  | { readonly kind: 'slow'; readonly millisecondsPerChunk: number };

export interface ExecRequest {
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** What the URL of an exec asks for. */
export const parseExec = (namespace: string, { pathname, searchParams }: URL) => ({
  pod: pathname.slice(`/api/v1/namespaces/${namespace}/pods/`.length, -'/exec'.length),
  container: searchParams.get('container') ?? '',
  command: searchParams.getAll('command'),
  stdin: searchParams.get('stdin') === 'true',
  stdout: searchParams.get('stdout') === 'true',
  stderr: searchParams.get('stderr') === 'true',
});

/**
 * Runs a command of an exec as a real process and speaks for it on the socket, channel by channel.
 * When the client goes, the process only loses its pipes, as happens with container runtimes;
 * `onRestart` is called where a fault asks for it.
 */
export const runProcess = async (
  socket: WebSocket,
  container: ContainerDefinition,
  { command, ...wanted }: ExecRequest,
  fault: ExecFault | undefined,
  started: (process: ChildProcessWithoutNullStreams) => void,
  onRestart: () => void,
): Promise<void> => {
  const program = programPath(command[0] ?? '', container);
  if (program === undefined) {
    await end(socket, {
      status: 'Failure',
      reason: 'InternalError',
      code: 500,
      message:
        'Internal error occurred: error executing command in container: failed to exec in container: failed to start exec: ' +
        `OCI runtime exec failed: exec failed: unable to start container process: exec: "${command[0] ?? ''}": ` +
        'executable file not found in $PATH: unknown',
    });
    return;
  }
  const child = start(program, command.slice(1), container);
  started(child);
  child.stdin.on('error', () => undefined);
  if (wanted.stdin) feed(socket, child);
  else child.stdin.end();
  socket.on('close', () => {
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  });
  const exited = once(child, 'exit');
  const [sent] = await Promise.all([
    forward(socket, 1, wanted.stdout, child.stdout, fault, onRestart),
    forward(socket, 2, wanted.stderr, child.stderr, undefined, onRestart),
  ]);
  if (sent === 'stopped') return;
  await exited;
  if (fault?.kind === 'no-status') socket.close();
  else await end(socket, statusOf(child));
};

const start = (
  program: string,
  words: readonly string[],
  container: ContainerDefinition,
): ChildProcessWithoutNullStreams => {
  const { root, env, fileSizeLimit } = container;
  const translated = words.map((word) => translate(word, container));
  const [file, ...options] =
    fileSizeLimit === undefined
      ? [program, ...translated]
      : // In units of 512 bytes, as POSIX has it and dash does.
        [
          '/bin/sh',
          '-c',
          `ulimit -f ${fileSizeLimit * 2} && exec "$@"`,
          'sh',
          program,
          ...translated,
        ];
  return spawn(file, options, {
    cwd: root,
    env: { PATH: join(root, 'bin'), ...env },
    stdio: 'pipe',
    detached: true,
  });
};

const programPath = (name: string, container: ContainerDefinition): string | undefined => {
  const path = name.includes('/') ? translate(name, container) : join(container.root, 'bin', name);
  return existsSync(path) ? path : undefined;
};

/** Our `await` for each message is what lets the process feel that the client does not read. */
const forward = async (
  socket: WebSocket,
  channel: number,
  wanted: boolean,
  output: NodeJS.ReadableStream,
  fault: ExecFault | undefined,
  onRestart: () => void,
): Promise<'stopped' | 'ended'> => {
  let bytes = 0;
  try {
    for await (const chunk of output) {
      if (!wanted || !Buffer.isBuffer(chunk)) continue;
      if (socket.readyState !== socket.OPEN) return 'stopped';
      const isCut = fault?.kind === 'cut' && bytes + chunk.length > fault.afterBytes;
      await send(
        socket,
        channel,
        isCut ? chunk.subarray(0, Math.max(0, fault.afterBytes - bytes)) : chunk,
      );
      bytes += chunk.length;
      if (fault?.kind === 'slow') await sleep(fault.millisecondsPerChunk);
      if ((fault?.kind === 'drop' || fault?.kind === 'restart') && bytes > fault.afterBytes) {
        if (fault.kind === 'restart') onRestart();
        socket.terminate();
        return 'stopped';
      }
    }
  } catch {
    return 'stopped';
  }
  return socket.readyState === socket.OPEN ? 'ended' : 'stopped';
};

const feed = (socket: WebSocket, { stdin }: ChildProcessWithoutNullStreams): void => {
  socket.on('message', (message: Buffer) => {
    if (message[0] === 0 && stdin.writable && !stdin.write(message.subarray(1))) {
      socket.pause();
      stdin.once('drain', () => {
        socket.resume();
      });
    } else if (message[0] === 255 && message[1] === 0) {
      if (socket.protocol === 'v5.channel.k8s.io') stdin.end();
      else socket.close(1002, 'no such channel');
    }
  });
};

const end = async (socket: WebSocket, status: object): Promise<void> => {
  await send(socket, 3, Buffer.from(JSON.stringify({ metadata: {}, ...status })));
  socket.close(1000);
};

const send = async (socket: WebSocket, channel: number, bytes: Buffer): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  socket.send(Buffer.concat([Buffer.of(channel), bytes]), (error) => {
    if (error) reject(error);
    else resolve(undefined);
  });
  await promise;
};

const statusOf = ({ exitCode, signalCode }: ChildProcessWithoutNullStreams): object => {
  const code = exitCode ?? 128 + (signalCode ? constants.signals[signalCode] : 0);
  if (code === 0) return { status: 'Success' };
  return {
    status: 'Failure',
    reason: 'NonZeroExitCode',
    message: `command terminated with non-zero exit code: exit status ${code}`,
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  };
};
