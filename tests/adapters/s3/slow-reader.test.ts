import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../../src/adapters/clock.ts';
import { openS3 } from '../../../src/adapters/s3/s3.ts';
import { hasCode } from '../../../src/errors.ts';
import { testUser } from '../../servers/s3/server.ts';

const length = 200_000;

/**
 * A server that sends its reply at once, all of it or only a part, and soon closes the connection
 * because nothing comes any more, as S3 servers do after some seconds or minutes.
 */
const impatientServer = async (sent: number) => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => {
      const head = [
        'HTTP/1.1 200 OK',
        `Content-Length: ${length}`,
        'ETag: "9a0364b9e99bb480dd25e1f0284c8555"',
        'Last-Modified: Thu, 26 Nov 2026 02:00:00 GMT',
        'Connection: keep-alive',
      ].join('\r\n');
      socket.write(`${head}\r\n\r\n`);
      socket.end(Buffer.alloc(sent, 'x'));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

/** Reads a piece at a time, so slowly that the connection is closed meanwhile. */
const readSlowly = async (endpoint: string): Promise<number> => {
  await using store = openS3({
    ...{ endpoint, region: 'us-east-1', bucket: 'mlpipeline', ...testUser, style: 'path' },
    ...{ clock: systemClock, attempts: 1 },
  });
  const { body } = await store.get('large');
  let read = 0;
  for await (const piece of body) {
    read += (piece as Buffer).length;
    await sleep(20);
  }
  return read;
};

describe('a reply that is read slowly', () => {
  it('is whole although the server closed the connection once it had sent everything', async () => {
    await using server = await impatientServer(length);
    assert.equal(await readSlowly(server.endpoint), length);
  });

  it('has broken when the server closed the connection before that', async () => {
    await using server = await impatientServer(length - 1);
    await assert.rejects(readSlowly(server.endpoint), (error) =>
      hasCode(error, 'store-unreachable'),
    );
  });
});
