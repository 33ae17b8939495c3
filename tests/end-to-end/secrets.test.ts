import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Box } from '../sandbox/box.ts';
import { configure, loginSecret } from '../sandbox/box/configure.ts';
import { copyOfBox } from '../rigs/copy-of-box.ts';
import { assertHidden, assertNoSecrets, watchCommandLines } from './no-secrets.ts';

describe('nothing secret', () => {
  let box: Box;
  let watch: ReturnType<typeof watchCommandLines>;
  let id: string;
  before(async () => {
    watch = watchCommandLines();
    box = await copyOfBox();
  });
  after(async () => {
    watch[Symbol.dispose]();
    await box[Symbol.asyncDispose]();
  });

  /** Status, journal and processes are looked at as well as what the action has said. */
  const run = async (
    action: string,
    parameters: Readonly<Record<string, unknown>> = {},
    status = 'completed',
  ): Promise<Readonly<Record<string, unknown>>> => {
    const done = await box.run(action, parameters);
    assert.equal(done.status, status, done.message);
    assertNoSecrets(box, done);
    const { unitStatus, applicationStatus } = box.unit.agent.state;
    assertHidden(box, [unitStatus, applicationStatus, [...watch.seen]]);
    return done.results;
  };

  it('is shown by an action that ends well', async () => {
    id = String((await run('backup-control-plane'))['backup-id']);
    await run('backup-control-plane');
    await run('check');
    await run('list-backups');
    await run('list-backups', { format: 'json' });
    await run('verify-backup', { 'backup-id': id, deep: true });
    await run('restore-control-plane', { 'backup-id': id, 'dry-run': true });
    await run('prune', { 'dry-run': true });
    await run('delete-backup', { 'backup-id': id });
    await run('prune');
    // Or the processes of hook tools were never seen, and this test would prove nothing.
    assert.ok([...watch.seen].some((command) => /\baction-log\b/.test(command)));
    assert.ok([...watch.seen].some((command) => /dist\/main\.js/.test(command)));
  });

  it('is shown by an action that fails at each of the systems that it logs in to', async () => {
    const { state } = box.unit.agent;
    const { stores, neighbours, kubernetes } = box;
    const saved = JSON.stringify(state);
    const mend = (): void => void Object.assign(state, JSON.parse(saved));

    state.secrets
      .find((secret) => secret.id === loginSecret)
      ?.revisions.push({ username: 'ckf-backup', password: `${box.secrets['jujuPassword']}x` });
    await run('check', {}, 'failed');
    mend();
    const { token } = kubernetes;
    kubernetes.token = 'of another cluster';
    await run('check', {}, 'failed');
    kubernetes.token = token;
    neighbours.s3Integrator = {
      ...stores.s3Integrator,
      accessKey: stores.s3Integrator.secretKey,
      secretKey: `${stores.s3Integrator.secretKey}x`,
    };
    await box.settle();
    for (const action of ['backup-control-plane', 'list-backups', 'prune'])
      await run(action, {}, 'failed');
    neighbours.s3Integrator = stores.s3Integrator;
    mend();
    // A secret where the URI of one belongs.
    configure(state, { 'juju-credentials': box.secrets['jujuPassword'] });
    await run('check', {}, 'failed');
    mend();
  });

  it('is shown by a hook', async () => {
    for (const hook of ['config-changed', 'update-status', 'secret-changed']) {
      const { stdout, stderr, statuses, logs, calls } = await box.hook(hook);
      assertHidden(box, { stdout, stderr, statuses, logs, calls });
    }
    await box.disintegrate('s3-credentials');
    await box.integrate('s3-credentials');
    assertHidden(box, [box.unit.agent.state.unitStatus, [...watch.seen]]);
  });

  it('is left in a file by the charm', () => {
    const { directory, state } = box.unit.agent;
    const places = [
      ...Object.values(state.storage).flatMap((some) => some.map(({ location }) => location)),
      directory,
    ];
    for (const place of places)
      for (const path of readdirSync(place, { recursive: true, withFileTypes: true }))
        // The agent's own configuration has a password of the agent's.
        if (path.isFile() && path.name !== 'agent.conf')
          assertHidden(box, readFileSync(join(path.parentPath, path.name), 'latin1'));
  });
});
