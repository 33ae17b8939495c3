import assert from 'node:assert/strict';
import { describeObjectStore } from '../../contracts/object-store.ts';
import { atHost, stageS3, type S3Stage } from '../../rigs/s3.ts';
import { createAuthority } from '../../servers/certificates.ts';
import { startProxy, type ProxyOptions } from '../../servers/proxy.ts';
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
  const stage = await stageS3(
    kind === 'https' ? { tls: await own.issue(['s3.test']) } : {},
    { proxy: new URL(proxy.url.replace('://', `://${login}`)), caChain: [own.ca], ...options },
    (server) => atHost(server, 's3.test'),
  );
  return {
    ...stage,
    proxy,
    [Symbol.asyncDispose]: async () => {
      await stage[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
};

const seeded = (stage: S3Stage) => ({
  store: stage.store,
  prefix: '',
  seed: (keys: readonly string[]) => {
    stage.server.contents.put('bench', ...keys.map((key) => ({ key, content: 'x' })));
  },
  [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose](),
});

describeObjectStore('S3 over TLS through a proxy', async () => seeded(await behindProxy('https')));
describeObjectStore('plain S3 through a proxy', async () => seeded(await behindProxy('http')));

describe('the S3 adapter behind a proxy', () => {
  it('sees nothing of the requests when they are sent over TLS', async () => {
    await using stage = await behindProxy('https');
    const { etag } = await stage.store.put('a', 'content');
    await stage.store.copy('a', 'b', etag);
    assert.ok(stage.proxy.asked.length > 0);
    for (const line of stage.proxy.asked)
      assert.equal(line, `CONNECT s3.test:${stage.server.port}`);
  });

  it('gives the proxy its user and password, also over TLS', async () => {
    const own = await authority;
    const login = 'backup:p@ss';
    const tls = await own.issue(['127.0.0.1']);
    for (const kind of ['http', 'https'] as const)
      for (const proxied of [{ login }, { login, tls }]) {
        await using stage = await behindProxy(kind, proxied, {}, 'backup:p%40ss@');
        await stage.store.put('a', 'content');
        assert.equal(stage.server.count('PutObject'), 1);
      }
  });

  it('says that the proxy wants a password, and does not say the one it has', async () => {
    for (const kind of ['http', 'https'] as const) {
      await using stage = await behindProxy(kind, { login: 'a:b' }, {}, 'a:hushhush@');
      await assert.rejects(stage.store.probe(), (error: Error) => {
        assert.ok(
          failure('store-unreachable', stage.proxy.url, '407', 'juju-no-proxy')(error),
          error.message,
        );
        return !error.message.includes('hushhush');
      });
      assert.deepEqual(stage.pauses, []);
    }
  });

  it('tries again when the proxy is overloaded, and not when it refuses', async () => {
    await using stage = await behindProxy('https', {}, { attempts: 3 });
    stage.proxy.refuse = 503;
    await assert.rejects(stage.store.probe(), failure('store-unreachable', '(503)', '3 times'));
    stage.proxy.refuse = 403;
    await assert.rejects(stage.store.probe(), failure('store-unreachable', '(403)'));
    assert.equal(stage.pauses.length, 2);
    stage.proxy.refuse = undefined;
    await stage.store.probe();
  });

  it('says that nobody listens at the proxy', async () => {
    for (const kind of ['http', 'https'] as const) {
      await using stage = await behindProxy(kind, {}, { attempts: 2 });
      await stage.proxy[Symbol.asyncDispose]();
      await assert.rejects(
        stage.store.probe(),
        failure('store-unreachable', `through the proxy ${stage.proxy.url}`, 'was refused'),
      );
    }
  });

  it('says whose certificate is not trusted', async () => {
    await using stage = await behindProxy('https', {}, { caChain: [] });
    await assert.rejects(stage.store.probe(), (error: Error) => {
      assert.ok(failure('store-unreachable', 'certificate', 'authority')(error), error.message);
      return !error.message.includes('use-system-ca');
    });
  });
});
