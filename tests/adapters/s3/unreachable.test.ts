import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createTcpServer } from 'node:net';
import { openS3, type S3Options } from '../../../src/adapters/s3/s3.ts';
import { createAuthority } from '../../servers/network/certificates.ts';
import { advice, failsWith, failure } from './failing.ts';
import { atHost, loopbackLookup, openS3Rig } from '../../rigs/s3.ts';

describe('the S3 adapter tells why it reaches nobody:', () => {
  it('that nothing listens there, after some attempts', async () => {
    await using rig = await openS3Rig({}, { advice, attempts: 3 });
    await rig.server.close();
    await assert.rejects(
      rig.store.probe(),
      failure(
        'store-unreachable',
        'connection was refused (tried 3 times)',
        'Check the endpoint of',
      ),
    );
    assert.equal(rig.pauses.length, 2);
  });

  it('that a host name is not known', async () => {
    const lookup: NonNullable<S3Options['lookup']> = (name, _options, done) => {
      done(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' }), '');
    };
    await failsWith(
      { endpoint: 'http://minio.nowhere:9000', lookup },
      'store-unreachable',
      'bucket bench at http://minio.nowhere:9000',
      'host name is not known',
    );
  });

  it('that a server says nothing at all', () =>
    withServer(
      () => undefined,
      async (endpoint) => {
        const timeouts = { reply: 100 };
        await failsWith({ endpoint, timeouts, attempts: 1 }, 'store-unreachable', 'said nothing');
      },
    ));

  it('that what answers is no S3 server', async () => {
    const page = (status: string, body: string) =>
      `HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const answers = [
      [page('404 Not Found', '<html>no</html>'), 'object-missing'],
      [page('200 OK', '<html>hello</html>'), 'store-refused'],
      ['SSH-2.0-OpenSSH_9.2\r\n', 'store-unreachable'],
    ] as const;
    for (const [answer, code] of answers)
      await withServer(
        () => answer,
        async (endpoint) => {
          await using store = openS3({ ...(await optionsFor(endpoint)), attempts: 1 });
          await assert.rejects(
            store.read('a').then(() => store.put('a', '')),
            failure(code),
          );
        },
      );
  });

  it('that the certificate is not trusted, and does not try again', async () => {
    const own = await createAuthority();
    const tls = await own.issue(['127.0.0.1']);
    await using rig = await openS3Rig({ tls }, { advice });
    await assert.rejects(
      rig.store.probe(),
      failure('store-unreachable', 'certificate', 'Set tls-ca-chain of s3-integrator.'),
    );
    assert.deepEqual(rig.pauses, []);
    await using trusting = openS3({ ...rig.options, caChain: [own.ca] });
    await trusting.probe();
    await using elsewhere = openS3({
      ...rig.options,
      caChain: [own.ca],
      endpoint: atHost(rig.server, 'other.test'),
      lookup: loopbackLookup,
    });
    await assert.rejects(elsewhere.probe(), failure('store-unreachable', 'other.test'));
  });

  it('that an endpoint speaks no TLS, or nothing else', async () => {
    await using plain = await openS3Rig();
    await using wrong = openS3({
      ...plain.options,
      endpoint: plain.server.url.replace('http', 'https'),
    });
    await assert.rejects(wrong.probe(), failure('store-unreachable', 'TLS'));
    const own = await createAuthority();
    await using secure = await openS3Rig({ tls: await own.issue(['127.0.0.1']) });
    const endpoint = secure.server.url.replace('https', 'http');
    await using other = openS3({ ...secure.options, endpoint, attempts: 1 });
    await assert.rejects(other.probe(), failure('store-unreachable'));
  });
});

describe('an S3 adapter that is told to stop', () => {
  it('ends what is under way with the reason that it was given', async () => {
    const stop = new AbortController();
    await using rig = await openS3Rig({}, { signal: stop.signal });
    rig.server.fail({ times: Infinity, fault: { stall: 'reply' } });
    const waiting = [rig.store.probe(), rig.store.put('a', 'x'), rig.store.read('a')];
    while (rig.server.requests.length < 3) await new Promise(setImmediate);
    const reason = new Error('Juju wants us to stop');
    stop.abort(reason);
    for (const one of waiting) await assert.rejects(one, reason);
    await assert.rejects(rig.store.probe(), reason);
  });

  it('fails what is under way when it is disposed of, and keeps no connection', async () => {
    await using rig = await openS3Rig();
    rig.server.fail({ fault: { stall: 'reply' } });
    const waiting = assert.rejects(rig.store.probe());
    while (rig.server.requests.length < 1) await new Promise(setImmediate);
    await rig.store[Symbol.asyncDispose]();
    await waiting;
    await assert.rejects(rig.store.probe());
  });
});

const optionsFor = async (endpoint: string): Promise<S3Options> => {
  await using rig = await openS3Rig();
  return { ...rig.options, endpoint };
};

const withServer = async (
  answer: () => string | undefined,
  use: (endpoint: string) => Promise<void>,
): Promise<void> => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      const text = answer();
      if (text !== undefined) socket.end(text);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  try {
    await use(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`);
  } finally {
    server.close();
  }
};
