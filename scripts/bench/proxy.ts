import { createServer, connect, type Socket } from 'node:net';

/**
 * A TCP proxy on loopback that holds everything back for a while, in both directions: a link with a
 * long way.
 */
const [port, delay] = process.argv.slice(2).map(Number);
if (port === undefined || delay === undefined) throw new Error('bench-proxy PORT MILLISECONDS');

const hold = (from: Socket, to: Socket): void => {
  from.on('data', (bytes) => {
    setTimeout(() => to.write(bytes), delay);
  });
  from.on('end', () => {
    setTimeout(() => to.end(), delay);
  });
  from.on('error', () => to.destroy());
};

const server = createServer({ noDelay: true }, (client) => {
  const upstream = connect({ host: '127.0.0.1', port, noDelay: true });
  hold(client, upstream);
  hold(upstream, client);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address)
    process.send?.({ url: `http://127.0.0.1:${address.port}` });
});
process.on('disconnect', () => process.exit());
