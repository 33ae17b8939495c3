import { createServer, connect, type Socket } from 'node:net';

/**
 * A TCP proxy on loopback that holds everything back for a while, in both directions: a link with a
 * long way. With a rate it is a narrow one too: all connections together get so many bytes a
 * second.
 */
const [port, delay, rate = Infinity] = process.argv.slice(2).map(Number);
if (port === undefined || delay === undefined)
  throw new Error('bench-proxy PORT MILLISECONDS [BYTES_PER_SECOND]');

/** Milliseconds that the link may be behind before nothing more is read. */
const queue = 100;
/** When, in ms, all is through that was read so far. */
let booked = 0;

const hold = (from: Socket, to: Socket): void => {
  from.on('data', (bytes) => {
    const now = performance.now();
    booked = Math.max(booked, now) + (bytes.length / rate) * 1000;
    const behind = booked - now;
    setTimeout(() => to.write(bytes), behind + delay);
    if (behind < queue) return;
    from.pause();
    setTimeout(() => from.resume(), behind - queue / 2);
  });
  from.on('end', () => {
    setTimeout(() => to.end(), Math.max(0, booked - performance.now()) + delay);
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
