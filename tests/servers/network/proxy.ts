import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import type { Certificate } from './certificates.ts';

/**
 * An HTTP proxy, as Squid is one: CONNECT opens a tunnel, and what is asked with a whole URL it
 * asks itself.
 */
export interface Proxy extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** `CONNECT host:port`, and `GET http://host:port/…`, in the order in which they came. */
  readonly asked: string[];
  /** The status that the next requests get, in place of what they ask for. */
  refuse: number | undefined;
}

export interface ProxyOptions {
  /** `user:password`. */
  readonly login?: string;
  readonly tls?: Certificate;
}

/** Every name it is asked for is this machine. */
export const startProxy = async ({ login, tls }: ProxyOptions = {}): Promise<Proxy> => {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const refusal = (headers: IncomingMessage['headers']): number | undefined => {
    const wanted = login && `Basic ${Buffer.from(login).toString('base64')}`;
    return wanted && headers['proxy-authorization'] !== wanted ? 407 : proxy.refuse;
  };
  const forward = (incoming: IncomingMessage, reply: ServerResponse): void => {
    const { method = '', url = '', headers } = incoming;
    asked.push(`${method} ${url}`);
    const status = refusal(headers);
    if (status !== undefined || !url.startsWith('http://')) {
      reply.writeHead(status ?? 400).end('<html>The proxy says no.</html>');
      return;
    }
    const { port, pathname } = new URL(url);
    // As it was sent: URL would tidy up dots and slashes.
    const path = url.slice(url.indexOf('/', 'http://'.length)) || pathname;
    const upstream = request({ host: '127.0.0.1', port, path, method, headers });
    upstream.removeHeader('proxy-authorization');
    upstream.on('response', (answer) => {
      reply.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(reply);
      answer.on('error', () => reply.destroy());
    });
    upstream.on('error', () => {
      if (reply.headersSent) reply.destroy();
      else reply.writeHead(502).end();
    });
    reply.on('close', () => upstream.destroy());
    incoming.pipe(upstream);
  };
  const server = tls ? createTlsServer(tls, forward) : createServer(forward);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('connect', ({ url = '', headers }: IncomingMessage, client: Socket, head: Buffer) => {
    asked.push(`CONNECT ${url}`);
    client.on('error', () => undefined);
    const status = refusal(headers);
    if (status !== undefined) {
      client.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const upstream = connect(Number(url.split(':').at(-1)), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      upstream.pipe(client);
      client.pipe(upstream);
    });
    upstream.on('error', () => client.destroy());
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const proxy: Proxy = {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    asked,
    refuse: undefined,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
};
