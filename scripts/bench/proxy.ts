import { createServer, connect, type Socket } from 'node:net';

/**
 * A TCP proxy on loopback that holds everything back for a while, in both directions: a link with a
 * long way. With a rate it is a narrow one too: all connections together get so many bytes a
 * second; those that are about a repository of users' volumes have a link for each repository.
 */
const [port, delay, rate = Infinity] = process.argv.slice(2).map(Number);
if (port === undefined || delay === undefined)
  throw new Error('bench-proxy PORT MILLISECONDS [BYTES_PER_SECOND]');

/** Milliseconds that the link may be behind before nothing more is read. */
const queue = 100;

interface Link {
  /** When, in ms, all is through that was read so far. */
  booked: number;
}
const links = new Map<string, Link>();

/** By the first request of a connection. */
const linkOf = (request: string): Link => {
  const [line = ''] = request.split('\n');
  const name = /volumes\/repos\/([^/?&\s]+)/.exec(line.replaceAll('%2F', '/'))?.[1] ?? '';
  const link = links.get(name) ?? { booked: 0 };
  links.set(name, link);
  return link;
};

const hold = (from: Socket, to: Socket, link: () => Link): void => {
  from.on('data', (bytes) => {
    const now = performance.now();
    const through = Math.max(link().booked, now) + (bytes.length / rate) * 1000;
    link().booked = through;
    const behind = through - now;
    setTimeout(() => to.write(bytes), behind + delay);
    if (behind < queue) return;
    from.pause();
    setTimeout(() => from.resume(), behind - queue / 2);
  });
  from.on('end', () => {
    setTimeout(() => to.end(), Math.max(0, link().booked - performance.now()) + delay);
  });
  from.on('error', () => to.destroy());
};

const server = createServer({ noDelay: true }, (client) => {
  const upstream = connect({ host: '127.0.0.1', port, noDelay: true });
  let link = linkOf('');
  client.once('data', (bytes) => {
    link = linkOf(bytes.toString('latin1'));
  });
  hold(client, upstream, () => link);
  hold(upstream, client, () => link);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address)
    process.send?.({ url: `http://127.0.0.1:${address.port}` });
});
process.on('disconnect', () => process.exit());
