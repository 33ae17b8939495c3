import assert from 'node:assert/strict';
import { hasCode } from '../../src/errors.ts';
import type { JujuModel } from '../../src/world.ts';
import type { Model } from '../sandbox/model.ts';
import { createModel } from '../sandbox/model.ts';

/** Opens a JujuModel on the model, for a user with this access; what it needs ends with it. */
export type OpenJujuModel = (model: Model, access: JujuModel['access']) => Promise<JujuModel>;

/** What every JujuModel promises: see the port in src/world.ts. */
export const itIsAJujuModel = (open: OpenJujuModel): void => {
  let model: Model;
  let juju: JujuModel;

  beforeEach(async () => {
    model = exampleModel();
    juju = await open(model, 'write');
  });

  afterEach(async () => {
    await juju[Symbol.asyncDispose]();
    model.stop();
  });

  it('tells what the login allows', async () => {
    assert.equal(juju.access, 'write');
    await using reader = await open(model, 'read');
    assert.equal(reader.access, 'read');
    await using admin = await open(model, 'admin');
    assert.equal(admin.access, 'admin');
    assert.match(juju.controllerVersion, /^\d+\.\d+\.\d+$/);
  });

  it('tells the state of the applications and units, in the order of their numbers', async () => {
    model.setScale('kfp-db', 11);
    await model.settled('kfp-db');
    model.setWorkload('kfp-db/0', 'active', 'Primary');
    model.addRelation('s3', 's3-integrator:s3-credentials', 'kfp-db:s3-parameters');
    const status = await juju.status();
    assert.equal(status.name, 'kubeflow');
    assert.deepEqual([...status.applications.keys()].sort(), ['kfp-db', 'mlmd']);
    const { units, ...database } = status.applications.get('kfp-db')!;
    assert.deepEqual(database, {
      name: 'kfp-db',
      charm: 'ch:amd64/mysql-k8s-344',
      charmRevision: 344,
      workloadVersion: '8.0.41',
      life: 'alive',
      status: { status: 'active', message: 'Primary' },
      scale: 11,
      related: { 's3-parameters': ['s3-integrator'] },
    });
    assert.deepEqual(status.applications.get('mlmd')?.related, {});
    assert.deepEqual(
      units.map(({ name }) => name),
      Array.from({ length: 11 }, (_, number) => `kfp-db/${number}`),
    );
    assert.deepEqual(units[0], {
      name: 'kfp-db/0',
      leader: true,
      workload: { status: 'active', message: 'Primary' },
      agent: { status: 'idle', message: '' },
    });
    assert.equal(units[10]!.leader, false);
  });

  it('tells the status that a leader set, and that an application is dying', async () => {
    model.setApplicationStatus('kfp-db', 'blocked', 'S3 repository claimed by another cluster');
    model.change(({ applications }) => (applications['mlmd']!.life = 'dying'));
    const { applications } = await juju.status();
    assert.deepEqual(applications.get('kfp-db')!.status, {
      status: 'blocked',
      message: 'S3 repository claimed by another cluster',
    });
    assert.equal(applications.get('mlmd')!.life, 'dying');
  });

  it('tells what an option is set to at the moment, and that one is not set', async () => {
    model.change(({ applications }) => {
      applications['mlmd']!.options = { port: 8080, 'stop-running': '17' };
    });
    assert.equal(await juju.option('mlmd', 'stop-running'), '17');
    assert.equal(await juju.option('mlmd', 'port'), 8080);
    assert.equal(await juju.option('mlmd', 'another'), undefined);
  });

  it('sets the scale and returns before Juju has reached it', async () => {
    await juju.scale('kfp-db', 2);
    assert.equal((await juju.status()).applications.get('kfp-db')!.scale, 2);
    await model.settled('kfp-db');
    assert.equal((await juju.status()).applications.get('kfp-db')!.units.length, 2);
  });

  it('tells a scale of 0, at which no unit is left', async () => {
    await juju.scale('mlmd', 0);
    await model.settled('mlmd');
    const mlmd = (await juju.status()).applications.get('mlmd')!;
    assert.equal(mlmd.scale, 0);
    assert.deepEqual(mlmd.units, []);
    assert.equal(mlmd.status.status, 'unknown');
  });

  it('lets the same scale be set again', async () => {
    await juju.scale('kfp-db', 2);
    await juju.scale('kfp-db', 2);
    await model.settled('kfp-db');
    assert.equal(model.application('kfp-db').units.length, 2);
  });

  it('refuses to scale an application that is not there', async () => {
    await assert.rejects(juju.scale('nothing', 1), (error) => hasCode(error, 'juju-refused'));
  });

  it('refuses to scale while changes are disabled', async () => {
    model.change((state) => (state.changesBlocked = true));
    await assert.rejects(juju.scale('kfp-db', 2), (error) => hasCode(error, 'juju-refused'));
    assert.equal(model.application('kfp-db').scale, 1);
  });

  it('tells the actions of a charm', async () => {
    assert.deepEqual(await juju.actionNames('kfp-db'), ['create-backup', 'fail', 'wait']);
    assert.deepEqual(await juju.actionNames('mlmd'), []);
    await assert.rejects(juju.actionNames('nothing'), (error) => hasCode(error, 'juju-refused'));
  });

  it('runs an action once, with its parameters, and tells how it ended', async () => {
    const outcome = await juju.runAction('kfp-db/0', 'create-backup', {
      force: true,
      deep: { a: [1] },
    });
    const [task, ...others] = model.state.tasks;
    assert.deepEqual(others, []);
    assert.equal(outcome.task, task!.id);
    assert.equal(outcome.status, 'completed');
    assert.equal(outcome.message, '');
    assert.deepEqual(outcome.results['given'], { force: true, deep: { a: [1] } });
    assert.equal(outcome.results['unit'], 'kfp-db/0');
  });

  it('tells what the charm said when its action failed', async () => {
    const outcome = await juju.runAction('kfp-db/0', 'fail', {});
    assert.equal(outcome.status, 'failed');
    assert.equal(outcome.message, 'Cluster is not in a healthy state');
  });

  it('tells that somebody cancelled the action', async () => {
    const running = juju.runAction('kfp-db/0', 'wait', {});
    await model.until(({ tasks }) => tasks[0]?.status === 'running');
    const waiting = juju.runAction('kfp-db/0', 'create-backup', {});
    await model.until(({ tasks }) => tasks.length === 2);
    model.cancel(model.state.tasks[1]!.id);
    model.cancel(model.state.tasks[0]!.id);
    assert.equal((await waiting).status, 'cancelled');
    assert.equal((await running).status, 'aborted');
  });

  it('refuses an action that the charm does not have, and a unit that is not there', async () => {
    for (const [unit, action] of [
      ['kfp-db/0', 'nothing'],
      ['kfp-db/7', 'create-backup'],
    ] as const)
      await assert.rejects(juju.runAction(unit, action, {}), (error) =>
        hasCode(error, 'juju-refused'),
      );
    assert.deepEqual(model.state.tasks, []);
  });

  it('stops waiting for an action when the signal fires, and lets the action go on', async () => {
    const stop = new AbortController();
    const enough = new Error('enough');
    const given = assert.rejects(
      juju.runAction('kfp-db/0', 'wait', {}, { signal: stop.signal }),
      (error) => error === enough,
    );
    await model.until(({ tasks }) => tasks[0]?.status === 'running');
    stop.abort(enough);
    await given;
    assert.equal(model.state.tasks[0]!.status, 'running');
  });

  it('enqueues an action without waiting for it, and tells the tasks of an application', async () => {
    const waiting = await juju.enqueue('kfp-db/0', 'wait', {});
    await model.until(({ tasks }) => tasks[0]?.status === 'running');
    const failing = await juju.enqueue('kfp-db/0', 'fail', { slot: '2026-11-25T02:00:00Z' });
    const before = await juju.tasks('kfp-db', ['wait', 'fail']);
    assert.deepEqual(
      before.map(({ id, unit, action, status }) => [id, unit, action, status]),
      [
        [waiting, 'kfp-db/0', 'wait', 'running'],
        [failing, 'kfp-db/0', 'fail', 'pending'],
      ],
    );
    assert.ok(before[0]!.started! >= before[0]!.enqueued);
    assert.equal(before[1]!.started, undefined);
    model.cancel(waiting);
    await model.ended(failing);
    const [cancelled, failed] = await juju.tasks('kfp-db', ['wait', 'fail']);
    assert.equal(cancelled!.status, 'aborted');
    assert.equal(failed!.status, 'failed');
    assert.deepEqual(failed!.parameters, { slot: '2026-11-25T02:00:00Z' });
    assert.equal(failed!.results['error-code'], 'backup-running');
    assert.ok(failed!.completed! >= failed!.started!);
    assert.deepEqual(await juju.tasks('mlmd', ['wait']), []);
    assert.deepEqual(await juju.tasks('kfp-db', ['create-backup']), []);
  });

  it('shows a user who may only read the state, and refuses everything else', async () => {
    await using reader = await open(model, 'read');
    assert.equal((await reader.status()).applications.size, 2);
    for (const attempt of [
      () => reader.scale('kfp-db', 2),
      () => reader.actionNames('kfp-db'),
      () => reader.runAction('kfp-db/0', 'create-backup', {}),
      () => reader.enqueue('kfp-db/0', 'create-backup', {}),
    ])
      await assert.rejects(attempt, (error) => hasCode(error, 'juju-read-only'));
    assert.deepEqual(model.changes, []);
  });
};

const exampleModel = (): Model => {
  const model = createModel({ name: 'kubeflow', pace: 1 });
  model.addApplication({
    name: 'kfp-db',
    charm: 'mysql-k8s',
    revision: 344,
    workloadVersion: '8.0.41',
    actions: {
      'create-backup': async ({ unit, parameters }) => ({ results: { unit, given: parameters } }),
      fail: async () => ({
        results: { 'error-code': 'backup-running' },
        failed: 'Cluster is not in a healthy state',
      }),
      wait: async ({ signal }) => {
        const { promise, resolve } = Promise.withResolvers<object>();
        signal.addEventListener('abort', () => {
          resolve({});
        });
        return promise;
      },
    },
  });
  model.addApplication({ name: 'mlmd', charm: 'mlmd' });
  return model;
};
