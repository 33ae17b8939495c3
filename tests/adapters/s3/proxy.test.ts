import assert from 'node:assert/strict';
import { describeObjectStore } from '../../contracts/object-store.ts';
import { atHost, openS3Rig, type S3Rig } from '../../rigs/s3.ts';
import { createAuthority } from '../../servers/network/certificates.ts';
import { startProxy, type ProxyOptions } from '../../servers/network/proxy.ts';
import type { S3Options } from '../../../src/adapters/s3/s3.ts';
import { failure } from './failing.ts';

const authority = createAuthority();

/** An S3 server whose name only the proxy knows. */
const behindProxy = async (
  kind: 'http' | 'https',
  proxyOptions: ProxyOptions = {},
  options: Partial<S3Options> = {},
  login = '',
) => {
  const own = await authority;
  const proxy = await startProxy(proxyOptions);
  const rig = await openS3Rig(
    kind === 'https' ? { tls: await own.issue(['s3.test']) } : {},
    { proxy: new URL(proxy.url.replace('://', `://${login}`)), caChain: [own.ca], ...options },
    (server) => atHost(server, 's3.test'),
  );
  return {
    ...rig,
    proxy,
    [Symbol.asyncDispose]: async () => {
      await rig[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
};

const seeded = (rig: S3Rig) => ({
  store: rig.store,
  prefix: '',
  seed: (keys: readonly string[]) => {
    rig.server.contents.put('bench', ...keys.map((key) => ({ key, content: 'x' })));
  },
  [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
});

describeObjectStore('S3 over TLS through a proxy', async () => seeded(await behindProxy('https')));
describeObjectStore('plain S3 through a proxy', async () => seeded(await behindProxy('http')));

describe('the S3 adapter behind a proxy', () => {
  it('sees nothing of the requests when they are sent over TLS', async () => {
    await using rig = await behindProxy('https');
    const { etag } = await rig.store.put('a', 'content');
    await rig.store.copy('a', 'b', etag);
    assert.ok(rig.proxy.asked.length > 0);
    for (const line of rig.proxy.asked) assert.equal(line, `CONNECT s3.test:${rig.server.port}`);
  });

  it('gives the proxy its user and password, also over TLS', async () => {
    const own = await authority;
    const login = 'backup:p@ss';
    const tls = await own.issue(['127.0.0.1']);
    for (const kind of ['http', 'https'] as const)
      for (const proxied of [{ login }, { login, tls }]) {
        await using rig = await behindProxy(kind, proxied, {}, 'backup:p%40ss@');
        await rig.store.put('a', 'content');
        assert.equal(rig.server.count('PutObject'), 1);
      }
  });

  it('says that the proxy wants a password, and does not say the one it has', async () => {
    for (const kind of ['http', 'https'] as const) {
      await using rig = await behindProxy(kind, { login: 'a:b' }, {}, 'a:hushhush@');
      await assert.rejects(rig.store.probe(), (error: Error) => {
        assert.ok(
          failure('store-unreachable', rig.proxy.url, '407', 'juju-no-proxy')(error),
          error.message,
        );
        return !error.message.includes('hushhush');
      });
      assert.deepEqual(rig.pauses, []);
    }
  });

  it('tries again when the proxy is overloaded, and not when it refuses', async () => {
    await using rig = await behindProxy('https', {}, { attempts: 3 });
    rig.proxy.refuse = 503;
    await assert.rejects(rig.store.probe(), failure('store-unreachable', '(503)', '3 times'));
    rig.proxy.refuse = 403;
    await assert.rejects(rig.store.probe(), failure('store-unreachable', '(403)'));
    assert.equal(rig.pauses.length, 2);
    rig.proxy.refuse = undefined;
    await rig.store.probe();
  });

  it('says that nobody listens at the proxy', async () => {
    for (const kind of ['http', 'https'] as const) {
      await using rig = await behindProxy(kind, {}, { attempts: 2 });
      await rig.proxy[Symbol.asyncDispose]();
      await assert.rejects(
        rig.store.probe(),
        failure('store-unreachable', `through the proxy ${rig.proxy.url}`, 'was refused'),
      );
    }
  });

  it('says whose certificate is not trusted', async () => {
    await using rig = await behindProxy('https', {}, { caChain: [] });
    await assert.rejects(rig.store.probe(), (error: Error) => {
      assert.ok(failure('store-unreachable', 'certificate', 'authority')(error), error.message);
      return !error.message.includes('use-system-ca');
    });
  });
});
