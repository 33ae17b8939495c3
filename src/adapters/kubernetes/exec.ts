import { finished, type Readable, type Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import { CharmError, reasonOf } from '../../errors.ts';
import type { Clock, ExecTarget } from '../../world.ts';
import { interrupted, type Call } from './call.ts';
import { receive, sendStdin, type ExecOutcome } from './exec-protocol.ts';
import { connect } from './socket.ts';

interface ExecContext {
  readonly call: Call;
  readonly namespace: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeout: number;
  readonly silence: number;
}

interface ExecStreams {
  readonly stdin?: Readable;
  readonly stdout?: Writable;
  readonly signal?: AbortSignal;
}

interface Running {
  readonly socket: WebSocket;
  readonly ended: Promise<ExecOutcome>;
  readonly fail: (error: unknown) => void;
}

/**
 * Runs a command in a container over a WebSocket, as world.ts promises. Connecting is retried like
 * any call; the command is started once. When it fails, `stdout` is destroyed with the error, so
 * that its reader does not take it for complete.
 */
export const execute = async (
  context: ExecContext,
  target: ExecTarget,
  command: readonly string[],
  streams: ExecStreams,
): Promise<ExecOutcome> => {
  const signal = AbortSignal.any([context.signal, ...(streams.signal ? [streams.signal] : [])]);
  const what = `run ${command[0] ?? ''} in the container ${target.container} of the pod ${target.pod}`;
  for (const stream of [streams.stdin, streams.stdout]) stream?.on('error', () => undefined);
  try {
    if (signal.aborted) throw interrupted(what, signal);
    const running = await context.call(what, async (access) => {
      const { promise: ended, resolve, reject: fail } = Promise.withResolvers<ExecOutcome>();
      // Until the connection is open, `connect` rejects with its failures.
      ended.catch(() => undefined);
      const socket = await connect(access, path(context.namespace, target, command, streams), {
        timeout: context.timeout,
        signal,
        prepare: (opening) => {
          receive(opening, streams.stdout, (outcome) => {
            resolve(Promise.try(outcome));
          });
          opening.once('close', (code: number) => {
            fail(lost(what, code));
          });
        },
      });
      return { socket, ended, fail };
    });
    return await converse(context, { what, signal }, running, streams);
  } catch (cause) {
    const error = signal.aborted ? interrupted(what, signal) : cause;
    streams.stdout?.destroy(error instanceof Error ? error : new Error(reasonOf(error)));
    streams.stdin?.destroy();
    throw error;
  }
};

const converse = async (
  { clock, silence }: ExecContext,
  { what, signal }: { readonly what: string; readonly signal: AbortSignal },
  { socket, ended, fail }: Running,
  { stdin, stdout }: ExecStreams,
): Promise<ExecOutcome> => {
  const over = new AbortController();
  const abort = () => {
    fail(interrupted(what, signal));
  };
  signal.addEventListener('abort', abort, { once: true });
  const written = stdout ? allWritten(stdout) : Promise.resolve();
  written.catch(fail);
  if (stdin) sendStdin(socket, stdin).catch(fail);
  staysAlive(socket, clock, silence, over.signal).then((alive) => {
    if (!alive) fail(silent(what, silence));
  }, fail);
  try {
    const outcome = await ended;
    stdout?.end();
    await written;
    socket.close();
    return outcome;
  } catch (error) {
    socket.terminate();
    throw error;
  } finally {
    over.abort();
    signal.removeEventListener('abort', abort);
    stdin?.destroy();
  }
};

const allWritten = async (stdout: Writable): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  finished(stdout, { readable: false }, (error) => {
    if (error) reject(error);
    else resolve(undefined);
  });
  await promise;
};

const lost = (what: string, code: number): CharmError =>
  new CharmError(
    'kubernetes-unreachable',
    `The connection to Kubernetes closed (code ${code}) before the end of an attempt to ${what}; ` +
      'the container may have been restarted. Look at the pod, then try again.',
  );

const silent = (what: string, silence: number): CharmError =>
  new CharmError(
    'kubernetes-unreachable',
    `Kubernetes has not answered for ${Math.round(silence / 1000)} s in an attempt to ${what}. ` +
      'Check the cluster and the network, then try again.',
  );

const path = (
  namespace: string,
  { pod, container }: ExecTarget,
  command: readonly string[],
  { stdin, stdout }: ExecStreams,
): string => {
  const query = new URLSearchParams([
    ['container', container],
    ['stderr', 'true'],
    ['stdout', String(stdout !== undefined)],
    ['stdin', String(stdin !== undefined)],
    ...command.map((word): [string, string] => ['command', word]),
  ]);
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/exec?${query.toString()}`;
};

/**
 * The number of pings in the time after which a silent connection is given up. Load balancers cut
 * connections that are idle for a minute.
 */
const pings = 4;

/**
 * A command may be silent for minutes, and so is a connection that broke without a message. Pings
 * tell them apart. Resolves to false when nothing came back for `silence` milliseconds, and to true
 * when `over` fires. While we do not read, or still have bytes to send, silence does not count.
 */
const staysAlive = async (
  socket: WebSocket,
  clock: Clock,
  silence: number,
  over: AbortSignal,
): Promise<boolean> => {
  const life = { unanswered: 0 };
  for (const event of ['message', 'pong'] as const)
    socket.on(event, () => {
      life.unanswered = 0;
    });
  while (!over.aborted) {
    if (socket.isPaused || socket.bufferedAmount > 0) life.unanswered = 0;
    if (life.unanswered >= pings) return false;
    socket.ping();
    life.unanswered += 1;
    await clock.sleep(silence / pings, over).catch(() => undefined);
  }
  return true;
};
