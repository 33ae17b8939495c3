import { WebSocket, type RawData } from 'ws';
import type { Clock } from '../../world.ts';
import { ConnectionLost, JujuRpcError } from './errors.ts';

const handshakeTimeout = 10_000;
const callTimeout = 60_000;
const pingInterval = 30_000;
/** Bytes. The status of a large model has some MiB. */
const maxPayload = 64 * 1024 * 1024;

/** As jujulib's facades write it. */
interface JujuRequest {
  readonly type: string;
  readonly request: string;
  readonly version: number;
  readonly params?: unknown;
}

/**
 * Connects to a controller. A controller's own CA signs for the name `juju-apiserver` and not for
 * its addresses (controller/config.go), so with such a CA we check that name. Without one, the
 * system's CAs and the name of the host count. The signal closes it.
 */
export const dialJuju = async (
  url: URL,
  {
    ca,
    clock,
    signal,
  }: { readonly ca: string | undefined; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<JujuRpc> => {
  const { promise, resolve, reject } = Promise.withResolvers<JujuRpc>();
  const socket = new WebSocket(url, {
    ...(ca === undefined ? {} : { ca, servername: 'juju-apiserver' }),
    handshakeTimeout,
    maxPayload,
    perMessageDeflate: false,
  });
  const terminate = () => {
    socket.terminate();
  };
  signal.addEventListener('abort', terminate);
  socket.once('close', () => {
    signal.removeEventListener('abort', terminate);
  });
  socket.on('error', reject);
  socket.once('open', () => {
    resolve(new JujuRpc(socket, clock));
  });
  return promise;
};

interface PendingCall {
  readonly resolve: (response: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly settled: AbortController;
}

/**
 * Requests and replies over one socket: Juju's protocol (rpc/jsoncodec). Every call is answered,
 * with a ConnectionLost when the socket closes or the controller stays silent.
 */
export class JujuRpc {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #pending = new Map<number, PendingCall>();
  readonly #closed = new AbortController();
  #lastId = 0;

  constructor(socket: WebSocket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    socket.on('message', (data) => {
      this.#receive(data);
    });
    socket.on('error', (error) => {
      this.#lose(`the connection failed (${error.message})`);
    });
    socket.on('close', (code) => {
      this.#lose(`the connection closed (code ${code})`);
    });
  }

  /** Fires when the connection has gone, with a ConnectionLost. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  async call(request: JujuRequest): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.write(request, resolve, reject);
    return promise;
  }

  /** The one method of a transport that jujulib's facades use. */
  write(
    request: JujuRequest,
    resolve: (response: unknown) => void,
    reject: (error: Error) => void,
  ): void {
    if (this.closed.aborted) {
      reject(this.#closed.signal.reason as Error);
      return;
    }
    const id = ++this.#lastId;
    const settled = new AbortController();
    this.#pending.set(id, { resolve, reject, settled });
    this.#socket.send(JSON.stringify({ 'request-id': id, ...request }));
    this.#clock.sleep(callTimeout, settled.signal).then(
      () => {
        this.#lose(`no answer to ${request.type}.${request.request} in ${callTimeout / 1000} s`);
      },
      () => undefined,
    );
  }

  /**
   * Asks the controller for a sign of life from time to time, because a peer that vanishes does not
   * close the socket.
   */
  async keepAlive(): Promise<void> {
    try {
      for (;;) {
        await this.#clock.sleep(pingInterval, this.#closed.signal);
        await this.call({ type: 'Pinger', request: 'Ping', version: 1, params: {} });
      }
    } catch (error) {
      if (!(error instanceof ConnectionLost)) this.#lose('the controller refuses to be pinged');
    }
  }

  close(): void {
    this.#lose('the connection was closed by us');
  }

  #receive(data: RawData): void {
    const reply = parseReply(data);
    if (!reply) {
      this.#lose('the controller sent what is not JSON');
      return;
    }
    const call = this.#pending.get(reply.id);
    if (!call) return;
    this.#pending.delete(reply.id);
    call.settled.abort();
    if (reply.error) call.reject(reply.error);
    else call.resolve(reply.response);
  }

  #lose(reason: string): void {
    if (this.closed.aborted) return;
    const lost = new ConnectionLost(reason);
    this.#closed.abort(lost);
    this.#socket.terminate();
    for (const { reject, settled } of this.#pending.values()) {
      settled.abort();
      reject(lost);
    }
    this.#pending.clear();
  }
}

const parseReply = (data: RawData) => {
  const message = parseJson(textOf(data));
  if (typeof message !== 'object' || message === null) return undefined;
  const fields: Record<string, unknown> = { ...message };
  const { error, response, 'request-id': id, 'error-code': code, 'error-info': info } = fields;
  return {
    id: typeof id === 'number' ? id : 0,
    response,
    error:
      typeof error === 'string' && error !== ''
        ? new JujuRpcError(error, typeof code === 'string' ? code : '', info)
        : undefined,
  };
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const textOf = (data: RawData): string => {
  if (Buffer.isBuffer(data)) return data.toString();
  return Array.isArray(data) ? Buffer.concat(data).toString() : Buffer.from(data).toString();
};
