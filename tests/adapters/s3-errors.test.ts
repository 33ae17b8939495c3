import assert from 'node:assert/strict';
import { createServer as createTcpServer } from 'node:net';
import { once } from 'node:events';
import { openS3, type S3Options } from '../../src/adapters/s3.ts';
import { createAuthority } from '../servers/certificates.ts';
import type { S3User } from '../servers/s3-signatures.ts';
import { atHost, loopbackLookup, stageS3 } from './s3-stage.ts';

const advice = {
  credentials: 'check the keys of s3-integrator',
  bucket: 'create the bucket',
  endpoint: 'check the endpoint of s3-integrator',
  certificate: 'set tls-ca-chain of s3-integrator',
};

const user = (access: NonNullable<S3User['access']>): S3User => ({
  accessKey: 'testkey',
  secretKey: 'testsecret',
  access,
});

const failure =
  (code: string, ...texts: readonly (string | RegExp)[]) =>
  (error: unknown) => {
    assert.ok(error instanceof Error && 'code' in error);
    assert.equal(error.code, code, error.message);
    for (const text of texts)
      if (typeof text === 'string') assert.ok(error.message.includes(text), error.message);
      else assert.match(error.message, text);
    assert.doesNotMatch(error.message, /testsecret|wrongsecret/);
    return true;
  };

describe('the S3 adapter tells an operator', () => {
  const withOptions = async (
    changed: Partial<S3Options>,
    code: string,
    ...texts: readonly (string | RegExp)[]
  ): Promise<void> => {
    await using stage = await stageS3({}, { advice, ...changed });
    await assert.rejects(stage.store.probe(), failure(code, ...texts));
    await assert.rejects(stage.store.put('a', 'x'), failure(code));
  };

  it('that the secret key is wrong', () =>
    withOptions(
      { secretKey: 'wrongsecret' },
      'store-denied',
      /^Could not list the bucket: bucket bench at http:\/\/127\.0\.0\.1:\d+ answered 403 SignatureDoesNotMatch/,
      'Check the keys of s3-integrator.',
    ));

  it('that the access key is not known', () =>
    withOptions({ accessKey: 'nobody' }, 'store-denied', 'InvalidAccessKeyId'));

  it('that the bucket does not exist', () =>
    withOptions(
      { bucket: 'nowhere' },
      'store-bucket-missing',
      'NoSuchBucket',
      'Create the bucket.',
    ));

  it('that the clock is wrong', async () => {
    const clock = { now: () => new Date('2020-01-01'), sleep: async () => undefined };
    await withOptions(
      { clock },
      'store-denied',
      'RequestTimeTooSkewed',
      '2020-01-01T00:00',
      'clock',
    );
  });

  it('that a user may only read, or do nothing', async () => {
    await using stage = await stageS3({ users: [user('read')] }, { advice });
    await stage.store.probe();
    await assert.rejects(
      stage.store.put('a', ''),
      failure('store-denied', 'write "a"', 'AccessDenied'),
    );
    await assert.rejects(
      stage.store.delete(['a', 'b']),
      failure('store-denied', 'delete 2 objects'),
    );
    stage.server.setUsers([user('none')]);
    await assert.rejects(stage.store.probe(), failure('store-denied'));
    await assert.rejects(stage.store.head('a'), failure('store-denied', 'answered 403'));
  });

  it('that credentials have expired', async () => {
    await using stage = await stageS3({}, { advice });
    stage.server.fail({ fault: { answer: 400, code: 'ExpiredToken' } });
    await assert.rejects(stage.store.probe(), failure('store-denied', 'ExpiredToken'));
  });

  it('that the region is another one', async () => {
    await using stage = await stageS3({}, { region: 'eu-west-1' });
    stage.server.fail({ fault: { answer: 400, code: 'AuthorizationHeaderMalformed' } });
    await assert.rejects(stage.store.probe(), failure('store-refused', 'region is eu-west-1'));
  });

  it('that the server has no room left', async () => {
    await using stage = await stageS3();
    stage.server.fail({ fault: { answer: 507, code: 'XMinioStorageFull' } });
    await assert.rejects(stage.store.put('a', ''), failure('store-refused', 'no room'));
    stage.server.fail({ fault: { answer: 403, code: 'QuotaExceeded' } });
    await assert.rejects(stage.store.put('a', ''), failure('store-refused', 'no room'));
  });

  it('that a key is refused', async () => {
    await using stage = await stageS3({ profile: 'minio-2021' });
    await assert.rejects(
      stage.store.put('a/../b', ''),
      failure('store-refused', '"a/../b"', 'XMinioInvalidObjectName'),
    );
  });

  it('that nothing listens there, after some attempts', async () => {
    await using stage = await stageS3({}, { advice, attempts: 3 });
    await stage.server.close();
    await assert.rejects(
      stage.store.probe(),
      failure(
        'store-unreachable',
        'connection was refused (tried 3 times)',
        'Check the endpoint of',
      ),
    );
    assert.equal(stage.pauses.length, 2);
  });

  it('that a host name is not known', async () => {
    const lookup: NonNullable<S3Options['lookup']> = (name, _options, done) => {
      done(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' }), '');
    };
    await withOptions(
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
        await withOptions({ endpoint, timeouts, attempts: 1 }, 'store-unreachable', 'said nothing');
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
    await using stage = await stageS3({ tls }, { advice });
    await assert.rejects(
      stage.store.probe(),
      failure('store-unreachable', 'certificate', 'Set tls-ca-chain of s3-integrator.'),
    );
    assert.deepEqual(stage.pauses, []);
    await using trusting = openS3({ ...stage.options, caChain: [own.ca] });
    await trusting.probe();
    await using elsewhere = openS3({
      ...stage.options,
      caChain: [own.ca],
      endpoint: atHost(stage.server, 'other.test'),
      lookup: loopbackLookup,
    });
    await assert.rejects(elsewhere.probe(), failure('store-unreachable', 'other.test'));
  });

  it('that an endpoint speaks no TLS, or nothing else', async () => {
    await using plain = await stageS3();
    await using wrong = openS3({
      ...plain.options,
      endpoint: plain.server.url.replace('http', 'https'),
    });
    await assert.rejects(wrong.probe(), failure('store-unreachable', 'TLS'));
    const own = await createAuthority();
    await using secure = await stageS3({ tls: await own.issue(['127.0.0.1']) });
    const endpoint = secure.server.url.replace('https', 'http');
    await using other = openS3({ ...secure.options, endpoint, attempts: 1 });
    await assert.rejects(other.probe(), failure('store-unreachable'));
  });

  it('what a header must not hold', async () => {
    await using stage = await stageS3();
    const metadata = { user: { note: 'two\nlines' } };
    await assert.rejects(stage.store.put('a', '', { metadata }), failure('store-refused'));
    assert.deepEqual(stage.server.requests, []);
  });
});

describe('an S3 adapter that is told to stop', () => {
  it('ends what is under way with the reason that it was given', async () => {
    const stop = new AbortController();
    await using stage = await stageS3({}, { signal: stop.signal });
    stage.server.fail({ times: Infinity, fault: { stall: 'reply' } });
    const waiting = [stage.store.probe(), stage.store.put('a', 'x'), stage.store.read('a')];
    while (stage.server.requests.length < 3) await new Promise(setImmediate);
    const reason = new Error('Juju wants us to stop');
    stop.abort(reason);
    for (const one of waiting) await assert.rejects(one, reason);
    await assert.rejects(stage.store.probe(), reason);
  });

  it('fails what is under way when it is disposed of, and keeps no connection', async () => {
    await using stage = await stageS3();
    stage.server.fail({ fault: { stall: 'reply' } });
    const waiting = assert.rejects(stage.store.probe());
    while (stage.server.requests.length < 1) await new Promise(setImmediate);
    await stage.store[Symbol.asyncDispose]();
    await waiting;
    await assert.rejects(stage.store.probe());
  });
});

const optionsFor = async (endpoint: string): Promise<S3Options> => {
  await using stage = await stageS3();
  return { ...stage.options, endpoint };
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
