import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import type { ClusterAccess } from '../../world.ts';
import { ApiFailure } from './errors.ts';

interface ConnectOptions {
  /** Milliseconds for the whole handshake. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  /** Called before the connection is open, so that no message can be missed. */
  readonly prepare: (socket: WebSocket) => void;
}

const protocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];

/**
 * Opens a WebSocket to the API server. Rejects with an ApiFailure when the server answers with a
 * status instead.
 */
export const connect = async (
  { server, ca, token }: ClusterAccess,
  path: string,
  { timeout, signal, prepare }: ConnectOptions,
): Promise<WebSocket> => {
  const socket = new WebSocket(`${server.replace(/^http/, 'ws')}${path}`, protocols, {
    ca,
    headers: { Authorization: `Bearer ${token}` },
    handshakeTimeout: timeout,
    perMessageDeflate: false,
    followRedirects: false,
  });
  const opened = Promise.withResolvers<undefined>();
  const abort = () => {
    opened.reject(signal.reason);
    socket.terminate();
  };
  signal.addEventListener('abort', abort, { once: true });
  socket.once('open', () => {
    opened.resolve(undefined);
  });
  // This listener stays: an error without one would end the process. Once the connection is open,
  // `close` follows.
  socket.on('error', opened.reject);
  socket.once('unexpected-response', (_request, response: IncomingMessage) => {
    bodyOf(response)
      .then((body) => {
        opened.reject(
          new ApiFailure(response.statusCode ?? 0, body, response.headers['retry-after']),
        );
      }, opened.reject)
      .finally(() => {
        socket.terminate();
      });
  });
  prepare(socket);
  try {
    await opened.promise;
    return socket;
  } finally {
    signal.removeEventListener('abort', abort);
  }
};

const bodyOf = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    const bytes = Buffer.from(String(chunk));
    chunks.push(bytes);
    size += bytes.length;
    if (size > 64 * 1024) break;
  }
  return Buffer.concat(chunks).toString();
};
