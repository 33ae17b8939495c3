import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Model } from '../../sandbox/model.ts';
import { type TestAuthority, createAuthority } from '../network/certificates.ts';
import {
  type JujuObserver,
  type JujuRequestRecord,
  type JujuServing,
  serveJujuConnection,
} from './connection.ts';
import { JujuFaults } from './faults.ts';
import { type JujuLine, jujuReleases } from './release.ts';
import { jujuSchema } from './schema.ts';
import type { JujuUser } from './users.ts';

export interface JujuController extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  readonly endpoint: string;
  /** PEM of the controller's own authority. */
  readonly ca: string;
  /** What did not conform to Juju's schema, requests and replies; tests assert that it is empty. */
  readonly violations: readonly string[];
  /**
   * False when Juju's schema is not next to this checkout: then there are no violations to
   * be found.
   */
  readonly validates: boolean;
  readonly requests: readonly JujuRequestRecord[];
  readonly faults: JujuFaults;
  readonly connections: number;
  /** Undefined: nobody. */
  observer: JujuObserver | undefined;
  /** Makes every status longer by so many bytes. */
  padStatus(bytes: number): void;
  /** Cuts all connections, as a network does. */
  dropConnections(): void;
  /** Stops listening and cuts all connections; `start` listens on the same port again. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** The names of a controller's certificate (controller/config.go); no address is among them. */
const names = ['localhost', 'juju-apiserver', 'juju-mongodb', 'anything'];

/**
 * A controller of one model, on loopback, over TLS, with what Juju checks and the habits that it
 * has on the wire.
 */
export const startJujuController = async (options: {
  readonly model: Model;
  readonly line?: JujuLine;
  readonly users: Readonly<Record<string, JujuUser>>;
  readonly authority?: TestAuthority;
  /** 0, the default: any free one. */
  readonly port?: number;
}): Promise<JujuController> => {
  const { model, line = '3.6', users } = options;
  const authority = options.authority ?? (await createAuthority('juju-ca'));
  const schema = await jujuSchema(line);
  const serving: JujuServing = {
    model,
    users,
    schema,
    release: jujuReleases[line],
    faults: new JujuFaults(),
    requests: [],
    violations: [],
    padding: 0,
    observer: undefined,
  };

  const server = createServer(await authority.issue(names));
  const sockets = new Set<Duplex>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const webSockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    const [, uuid] = /^\/model\/([^/]+)\/api$/.exec(request.url ?? '') ?? [];
    if (uuid === undefined && request.url !== '/api') {
      socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
      return;
    }
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      serveJujuConnection(webSocket, uuid, serving);
    });
  });

  let port = options.port ?? 0;
  const start = async () => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  };
  const dropConnections = () => {
    for (const socket of sockets) socket.destroy();
  };
  const stop = async () => {
    if (!server.listening) return;
    server.close();
    dropConnections();
    await once(server, 'close');
  };
  await start();

  return {
    endpoint: `127.0.0.1:${port}`,
    ca: authority.ca,
    violations: serving.violations,
    validates: schema.present,
    requests: serving.requests,
    faults: serving.faults,
    get connections() {
      return webSockets.clients.size;
    },
    get observer() {
      return serving.observer;
    },
    set observer(observer) {
      serving.observer = observer;
    },
    padStatus(bytes) {
      serving.padding = bytes;
    },
    dropConnections,
    stop,
    start,
    [Symbol.asyncDispose]: stop,
  };
};
