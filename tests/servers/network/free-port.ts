import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A port of loopback that nobody listened on a moment ago, for programs that cannot choose one
 * themselves.
 */
export const freePort = async (): Promise<number> => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (typeof address !== 'object' || !address) throw new Error('no free port');
  return address.port;
};
