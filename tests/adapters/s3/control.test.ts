import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { openS3 } from '../../../src/adapters/s3/s3.ts';
import { systemClock } from '../../../src/adapters/clock.ts';
import type { ObjectStore } from '../../../src/world.ts';
import { testUser } from '../../servers/s3/server.ts';

interface Received {
  readonly request: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * A server that writes down what it gets and gives each request the same reply, and the adapter for
 * a bucket of it.
 */
const openRig = async (
  xml: string,
): Promise<AsyncDisposable & { readonly store: ObjectStore; readonly received: Received[] }> => {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const { method = '', url = '', headers } = request;
      received.push({ request: `${method} ${url}`, headers, body });
      response.setHeader('etag', `"${createHash('md5').update(body).digest('hex')}"`);
      response.end(xml);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const store = openS3({
    endpoint: `http://127.0.0.1:${port}`,
    ...{ region: 'here', bucket: 'bench', style: 'path', clock: systemClock, ...testUser },
  });
  return {
    store,
    received,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      server.closeAllConnections();
      server.close();
    },
  };
};

const servedBySdk = ({ headers }: Received): boolean =>
  headers['user-agent']?.startsWith('aws-sdk-js/') ?? false;

describe("AWS's SDK inside the S3 adapter", () => {
  it('serves what is asked for seldom, and not what each object of a copy needs', async () => {
    await using rig = await openRig(
      '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>',
    );
    const { store, received } = rig;
    await store.put('lock', 'x', { ifAbsent: true });
    await store.tags('a');
    await store.delete(['a']);
    await store.delete(['a', 'b']);
    const parts = await store.startParts('a', { tags: {} });
    await parts.abort();
    await Array.fromAsync(store.unfinishedUploads(''));
    assert.deepEqual(
      received.filter((one) => !servedBySdk(one)),
      [],
    );
    received.length = 0;
    await store.put('a', 'x');
    await store.read('a');
    await parts.put(1, Buffer.from('x'), 1);
    await Array.fromAsync(store.list(''));
    assert.deepEqual(received.filter(servedBySdk), []);
  });

  it('sends the MD5 of each body, which old servers insist on, and no checksum that they do not know', async () => {
    await using rig = await openRig('<DeleteResult/>');
    const { store, received } = rig;
    await store.delete(['a', 'b']);
    await store.put('lock', 'x', { ifAbsent: true });
    for (const { headers, body } of received) {
      assert.equal(headers['content-md5'], createHash('md5').update(body).digest('base64'));
      assert.deepEqual(
        Object.keys(headers).filter((name) => name.includes('checksum')),
        [],
      );
      assert.equal(headers['x-amz-content-sha256'], 'UNSIGNED-PAYLOAD');
      assert.match(
        headers.authorization ?? '',
        /^AWS4-HMAC-SHA256 Credential=testkey\/\d+\/here\/s3\//,
      );
    }
  });

  it('heeds nothing of what AWS reads in an environment', async () => {
    const before = { ...process.env };
    try {
      Object.assign(process.env, {
        AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
        AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1',
        AWS_REGION: 'elsewhere',
        AWS_PROFILE: 'nobody',
        AWS_CONFIG_FILE: '/does/not/exist',
        AWS_ACCESS_KEY_ID: 'another',
        AWS_MAX_ATTEMPTS: '7',
      });
      await using rig = await openRig('');
      await rig.store.delete(['a']);
      assert.equal(rig.received.length, 1);
      assert.match(rig.received[0]?.headers.authorization ?? '', /Credential=testkey\/\d+\/here\//);
    } finally {
      process.env = before;
    }
  });

  it('names the endpoint when what answers does not speak S3', async () => {
    await using rig = await openRig('Welcome to nginx!');
    await assert.rejects(rig.store.tags('a'), {
      code: 'store-refused',
      message: /cannot be read.*Check the endpoint\.$/,
    });
  });
});
