import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRedaction } from '../../src/adapters/redaction.ts';
import { parseConfig } from '../../src/config/config.ts';
import { openWorld } from '../../src/wiring/open-world.ts';
import { FastClock } from '../fakes/fast-clock.ts';
import { FakeHookTools } from '../fakes/hook-tools.ts';
import { FakeJournal } from '../fakes/journal.ts';
import { FakeProgress } from '../fakes/progress.ts';
import { startProxy } from '../servers/network/proxy.ts';

const secret = 'secret:d3n8r2e5kg0c73fhvurl';

/** Sends one message to this address in a model with these settings. */
const send = async (url: string, environment: Record<string, string>): Promise<string> => {
  const tools = new FakeHookTools();
  tools.secrets.set(secret, { content: { url }, granted: true, grants: [] });
  const redaction = createRedaction();
  const world = openWorld({
    ...{ environment: { JUJU_UNIT_NAME: 'ckf-backup/0', ...environment }, tools, redaction },
    config: parseConfig({ 'notify-url': secret }, 'ckf-backup'),
    ...{ journal: new FakeJournal(), progress: new FakeProgress(), clock: new FastClock() },
    ...{ signal: new AbortController().signal, serviceAccount: '/nowhere', host: 'boot' },
    ...{ scratch: '/nowhere', task: undefined },
  });
  await (await world.openNotifier())?.send({ kind: 'succeeded', text: 'words' });
  return redaction.redact('hushhush');
};

// Which addresses are excepted, tests/config/proxy.test.ts says.
describe('a message in a model with a proxy', () => {
  it('takes the way that requests to S3 take', async () => {
    const paths: string[] = [];
    const receiver = createServer((request, response) => {
      paths.push(request.url ?? '');
      request.resume();
      response.end();
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const { port } = receiver.address() as AddressInfo;
    await using proxy = await startProxy({ login: 'backup:hushhush' });
    const url = proxy.url.replace('://', '://backup:hushhush@');
    try {
      for (const name of ['JUJU_CHARM_HTTP_PROXY', 'http_proxy']) {
        const shown = await send(`http://chat.test:${port}/${name}`, { [name]: url });
        assert.ok(!shown.includes('hushhush'), 'the password of the proxy is not hidden');
      }
      await send(`http://127.0.0.1:${port}/loopback`, { JUJU_CHARM_HTTP_PROXY: url });
      assert.deepEqual(paths, ['/JUJU_CHARM_HTTP_PROXY', '/http_proxy', '/loopback']);
      assert.equal(proxy.asked.length, 2);
    } finally {
      receiver.closeAllConnections();
      receiver.close();
    }
  });
});
