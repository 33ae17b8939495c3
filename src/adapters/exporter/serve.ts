import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';

export interface ServeOptions {
  /** The name of the abstract socket by which there is one of us, and by which it is stopped. */
  readonly control: string;
  readonly revision: string;
  readonly port: number;
  /** The text to serve; undefined while there is none. */
  readonly render: () => Promise<string | undefined>;
  readonly contentType: string;
  /** Called when somebody asks for the end. */
  readonly stop: () => void;
}

/**
 * Serves `GET /metrics`, and answers `status` and `stop` on an abstract Unix socket: it has no file
 * that a killed process could leave, and the kernel lets only one process have the name. Rejects
 * with the error of `listen` when that name or the port is taken.
 */
export const serve = async (options: ServeOptions): Promise<void> => {
  const control = createServer((socket) => {
    socket.on('error', () => undefined).setTimeout(5000, () => socket.destroy());
    socket.once('data', (bytes) => {
      const word = bytes.toString('utf8').trim();
      if (word === 'stop') socket.end('stopping\n', options.stop);
      else socket.end(`${options.revision}\n`);
    });
  });
  await listening(control, { path: `\0${options.control}` });
  const http = createHttpServer((request, response) => {
    request.resume();
    const { pathname } = new URL(request.url ?? '/', 'http://exporter');
    if (pathname !== '/metrics' || request.method !== 'GET') {
      response.writeHead(404).end();
      return;
    }
    options.render().then(
      (text) => {
        if (text === undefined) response.writeHead(503).end();
        else response.writeHead(200, { 'content-type': options.contentType }).end(text);
      },
      () => response.writeHead(503).end(),
    );
  });
  http.headersTimeout = 5000;
  http.requestTimeout = 10_000;
  http.keepAliveTimeout = 90_000;
  http.maxConnections = 32;
  await listening(http, { port: options.port });
};

const listening = (server: Server, where: { path: string } | { port: number }): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject).on('error', () => undefined);
      resolve();
    });
  });
