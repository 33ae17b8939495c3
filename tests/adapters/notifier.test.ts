import assert from 'node:assert/strict';
import { type IncomingMessage, type Server, createServer } from 'node:http';
import { type Server as TlsServer, createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { openNotifier } from '../../src/adapters/notifier.ts';
import type { Notice } from '../../src/world.ts';
import { FastClock } from '../fakes/fast-clock.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { createAuthority } from '../servers/network/certificates.ts';
import { freePort } from '../servers/network/free-port.ts';
import { startProxy } from '../servers/network/proxy.ts';

type Options = Parameters<typeof openNotifier>[0];

const notice = (kind: Notice['kind'], words = 'words'): Notice => ({ kind, text: words });

const listening = async (server: Server | TlsServer) => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

/**
 * Answers each request with the next of these statuses, the last one for ever; 0: it says nothing.
 */
const startReceiver = async (...statuses: number[]) => {
  const seen: { method?: string; url?: string; type?: string; body: string }[] = [];
  const answer = async (request: IncomingMessage): Promise<number> => {
    const { method = '', url = '', headers } = request;
    const type = headers['content-type'] ?? '';
    seen.push({ method, url, type, body: await text(request) });
    return (statuses.length > 1 ? statuses.shift() : statuses[0]) ?? 200;
  };
  const server = createServer((request, response) => {
    void answer(request).then((status) => {
      if (status !== 0) response.writeHead(status, { location: '/elsewhere' }).end('taken');
    });
  });
  return Object.assign(await listening(server), { seen });
};

const notifierTo = (url: string, options: Partial<Options> = {}) =>
  openNotifier({
    ...{ url, ca: undefined, style: 'text', proxy: undefined, clock: new FastClock() },
    redact: (words) => words.replaceAll('a password', '<hidden>'),
    ...options,
  });

describe('a notifier', () => {
  it('posts a text as chat services take it, and says nothing of a beginning', async () => {
    await using receiver = await startReceiver(200);
    const notifier = notifierTo(`http://127.0.0.1:${receiver.port}/hooks/token?x=1`);
    for (const kind of ['started', 'succeeded', 'failed', 'skipped', 'test'] as const)
      await notifier.send(notice(kind, `${kind} "with" a password`));
    assert.deepEqual(
      receiver.seen.map(({ body }) => JSON.parse(body) as unknown),
      ['succeeded', 'failed', 'skipped', 'test'].map((kind) => ({
        text: `${kind} "with" <hidden>`,
      })),
    );
    const [first] = receiver.seen;
    assert.equal(
      `${first?.method} ${first?.url} ${first?.type}`,
      'POST /hooks/token?x=1 application/json',
    );
  });

  it('pings the paths of healthchecks, and lets a skipped run count as none', async () => {
    await using receiver = await startReceiver(200);
    const notifier = notifierTo(`http://127.0.0.1:${receiver.port}/ping/uuid/?create=1`, {
      style: 'healthchecks',
    });
    for (const kind of ['started', 'succeeded', 'failed', 'skipped', 'test'] as const)
      await notifier.send(notice(kind));
    assert.deepEqual(
      receiver.seen.map(({ url }) => url),
      ['/start', '', '/fail', '/log'].map((path) => `/ping/uuid${path}?create=1`),
    );
    assert.ok(receiver.seen.every(({ type, body }) => type?.includes('plain') && body === 'words'));
  });

  it('tries a failure that may pass three times, a refusal once, and a beginning once', async () => {
    await using passing = await startReceiver(503, 429, 204);
    await notifierTo(`http://127.0.0.1:${passing.port}`).send(notice('succeeded'));
    assert.equal(passing.seen.length, 3);

    for (const [kind, status, times] of [
      ['failed', 503, 3],
      ['failed', 404, 1],
      ['failed', 302, 1],
      ['started', 503, 1],
    ] as const) {
      await using receiver = await startReceiver(status);
      const notifier = notifierTo(`http://127.0.0.1:${receiver.port}`, { style: 'healthchecks' });
      const { message } = await rejectsWithCode(notifier.send(notice(kind)), 'notification-failed');
      assert.match(message, new RegExp(`status ${status}`));
      assert.equal(receiver.seen.length, times, `${kind} ${status}`);
    }
  });

  it('gives up a server that says nothing, and one that is not there, without naming either', async () => {
    await using receiver = await startReceiver(0);
    for (const [url, why] of [
      [`http://127.0.0.1:${receiver.port}/hooks/token`, /timeout/],
      [`http://127.0.0.1:${await freePort()}/hooks/token`, /ECONNREFUSED/],
      ['http://hooks.ckf-backup.invalid/hooks/token', /ENOTFOUND|EAI_AGAIN/],
    ] as const) {
      const notifier = notifierTo(url, { patience: 100 });
      const error = await rejectsWithCode(notifier.send(notice('failed')), 'notification-failed');
      assert.match(error.message, why);
      assert.doesNotMatch(`${error.message} ${String(error.cause)}`, /127|invalid|token/);
    }
    assert.equal(receiver.seen.length, 3);
  });

  it('trusts the private authority of its secret, and no other', async () => {
    const authority = await createAuthority();
    const received: string[] = [];
    await using server = await listening(
      createTlsServer(await authority.issue(['127.0.0.1']), (request, response) => {
        received.push(request.url ?? '');
        request.resume();
        response.end();
      }),
    );
    const url = `https://127.0.0.1:${server.port}/`;
    const strange = notifierTo(url).send(notice('succeeded'));
    assert.match((await rejectsWithCode(strange, 'notification-failed')).message, /\([A-Z_]+\)/);
    await notifierTo(url, { ca: authority.ca }).send(notice('succeeded'));
    assert.deepEqual(received, ['/']);
  });

  it('goes through the proxy that it is given, over TLS in a tunnel', async () => {
    const authority = await createAuthority();
    await using receiver = await startReceiver(200);
    const received: string[] = [];
    await using secure = await listening(
      createTlsServer(await authority.issue(['chat.test']), (request, response) => {
        received.push(request.url ?? '');
        request.resume();
        response.end();
      }),
    );
    await using proxy = await startProxy({
      login: 'me:p@ss',
      tls: await authority.issue(['127.0.0.1']),
    });
    const options = {
      proxy: new URL(proxy.url.replace('://', '://me:p%40ss@')),
      ca: authority.ca,
    };
    const plain = `http://chat.test:${receiver.port}/hook`;
    await notifierTo(plain, options).send(notice('succeeded'));
    await notifierTo(`https://chat.test:${secure.port}/hook`, options).send(notice('succeeded'));
    assert.deepEqual(proxy.asked, [`POST ${plain}`, `CONNECT chat.test:${secure.port}`]);
    assert.deepEqual([receiver.seen[0]?.url, ...received], ['/hook', '/hook']);
  });
});
