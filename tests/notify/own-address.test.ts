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

const secret = 'secret:d3n8r2e5kg0c73fhvurl';

describe('a message about volumes', () => {
  const asked: string[] = [];
  const receiver = createServer((request, response) => {
    asked.push(request.url ?? '');
    request.resume();
    response.end();
  });
  before(async () => {
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  });
  after(() => {
    receiver.closeAllConnections();
    receiver.close();
  });

  /** Where a message about volumes, and then one about the control plane, are sent. */
  const sent = async (style: 'text' | 'healthchecks', hasOwn: boolean) => {
    asked.length = 0;
    const base = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    const content = { url: `${base}/all`, ...(hasOwn && { 'volumes-url': `${base}/volumes` }) };
    const tools = new FakeHookTools();
    tools.secrets.set(secret, { content, granted: true, grants: [] });
    const world = openWorld({
      ...{ environment: { JUJU_UNIT_NAME: 'ckf-backup/0' }, tools, redaction: createRedaction() },
      config: parseConfig({ 'notify-url': secret, 'notify-style': style }, 'ckf-backup'),
      ...{ journal: new FakeJournal(), progress: new FakeProgress(), clock: new FastClock() },
      ...{ signal: new AbortController().signal, serviceAccount: '/nowhere', host: 'boot' },
      ...{ scratch: '/nowhere', task: undefined },
    });
    for (const about of ['volumes', 'control-plane'] as const)
      await (await world.openNotifier(about))?.send({ kind: 'succeeded', text: 'words' });
    return [...asked];
  };

  it('goes to an address of its own where there is one', async () => {
    assert.deepEqual(await sent('text', true), ['/volumes', '/all']);
    assert.deepEqual(await sent('healthchecks', true), ['/volumes', '/all']);
  });

  it('goes to the same chat without one, and never to what waits for the control plane', async () => {
    assert.deepEqual(await sent('text', false), ['/all', '/all']);
    assert.deepEqual(await sent('healthchecks', false), ['/all']);
  });
});
