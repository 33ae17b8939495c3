import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { promisify } from 'node:util';

export interface SilentServer extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  readonly address: string;
  /** Resolves when somebody has connected, and when the first who did has gone. */
  readonly called: Promise<unknown>;
  readonly left: Promise<unknown>;
}

/** Takes connections and says nothing. */
export const silentServer = async (): Promise<SilentServer> => {
  const sockets = new Set<Socket>();
  const left = Promise.withResolvers<undefined>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined).resume());
    socket.once('close', () => {
      left.resolve(undefined);
    });
  });
  const called = once(server, 'connection');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    called,
    left: left.promise,
    address: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await promisify(server.close.bind(server))();
    },
  };
};
