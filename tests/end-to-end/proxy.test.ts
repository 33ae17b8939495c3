import assert from 'node:assert/strict';
import { copyOfBox } from '../rigs/copy-of-box.ts';
import { atHost } from '../rigs/s3.ts';
import { startProxy } from '../servers/network/proxy.ts';

describe('a backup in a model with a proxy', () => {
  it('sends through it what goes to S3, and nothing of MinIO, Juju and Kubernetes', async () => {
    await using proxy = await startProxy({ login: 'backup:hushhush' });
    const url = proxy.url.replace('://', '://backup:hushhush@');
    await using box = await copyOfBox(
      {},
      {
        JUJU_CHARM_HTTP_PROXY: url,
        JUJU_CHARM_HTTPS_PROXY: url,
        JUJU_CHARM_NO_PROXY: '10.1.0.0/16,.svc',
      },
    );
    // A name that only the proxy knows.
    const endpoint = atHost(box.stores.target, 's3.test');
    box.neighbours.s3Integrator = { ...box.neighbours.s3Integrator, endpoint };
    // The databases know of no proxy, and so could not reach that server.
    await box.configure({ components: 'mlmd,mlpipeline' });
    const run = await box.run('backup-control-plane');
    assert.equal(run.status, 'completed', run.message);
    assert.ok(proxy.asked.length > 10);
    for (const line of proxy.asked) assert.ok(line.includes(` ${endpoint}/`), line);

    proxy.refuse = 403;
    const failed = await box.run('check');
    assert.equal(failed.status, 'failed');
    assert.ok(!JSON.stringify(failed).includes('hushhush'));
  });
});
