import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { openLoki } from '../../src/adapters/loki.ts';
import { lokiAddresses } from '../../src/relations/loki.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { freePort } from '../servers/network/free-port.ts';

/** Answers with this status, or says nothing when it is 0. */
const startLoki = async (status: number) => {
  const pushed: unknown[] = [];
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      pushed.push(body);
      if (status !== 0) response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    pushed,
    url: `http://127.0.0.1:${port}/loki/api/v1/push`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

const labels = { product: 'Juju', charm: 'ckf-backup' };
const at = new Date('2026-11-26T02:00:03.004Z');
const logTo = (urls: readonly string[], patience = 60_000) =>
  openLoki({
    ...{ urls, labels, patience },
    redact: (text) => text.replaceAll('a password', '<hidden>'),
  });

describe('a log that Loki collects', () => {
  it('is pushed to each address, in nanoseconds, in order, and without secrets', async () => {
    await using one = await startLoki(204);
    await using other = await startLoki(204);
    await logTo([one.url, other.url]).send([
      { at, text: 'first "a password"' },
      { at, text: 'second' },
    ]);
    const expected = {
      streams: [
        {
          stream: labels,
          values: [
            [`${at.getTime()}000000`, 'first "<hidden>"'],
            [`${at.getTime()}000001`, 'second'],
          ],
        },
      ],
    };
    assert.deepEqual(one.pushed, [expected]);
    assert.deepEqual(other.pushed, [expected]);
  });

  it('asks for nothing when there is nothing to send', async () => {
    await using loki = await startLoki(204);
    await logTo([loki.url]).send([]);
    await logTo([]).send([{ at, text: 'line' }]);
    assert.deepEqual(loki.pushed, []);
  });

  it('is given up when Loki refuses, says nothing, or is not there', async () => {
    await using busy = await startLoki(429);
    await using silent = await startLoki(0);
    for (const [url, why, patience] of [
      [busy.url, /status 429/, 60_000],
      [silent.url, /no answer/, 200],
      [`http://127.0.0.1:${await freePort()}/push`, /no connection/, 60_000],
    ] as const) {
      const sent = logTo([url], patience).send([{ at, text: 'line' }]);
      assert.match((await rejectsWithCode(sent, 'run-log-unsent')).message, why);
    }
    assert.equal(busy.pushed.length, 1);
  });

  it('is sent when one of two has gone, which Juju lists for minutes more', async () => {
    await using loki = await startLoki(204);
    const gone = `http://127.0.0.1:${await freePort()}/push`;
    await logTo([gone, loki.url]).send([{ at, text: 'line' }]);
    assert.equal(loki.pushed.length, 1);
  });
});

describe('the addresses of Loki', () => {
  it('are those of its units, each once, and nothing else that stands there', () => {
    const endpoint = (url: unknown) => ({ endpoint: JSON.stringify({ url }) });
    assert.deepEqual(
      lokiAddresses([
        endpoint('http://loki-0:3100/push'),
        endpoint('http://loki-0:3100/push'),
        endpoint('https://loki-1/push'),
        endpoint('file:///etc/passwd'),
        endpoint(7),
        { endpoint: '{' },
        { endpoint: 'null' },
        {},
      ]),
      ['http://loki-0:3100/push', 'https://loki-1/push'],
    );
  });
});
