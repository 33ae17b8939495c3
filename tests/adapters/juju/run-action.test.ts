import assert from 'node:assert/strict';
import type { JujuFault } from '../../servers/juju/faults.ts';
import { type JujuRig, openJujuRig } from '../../rigs/juju.ts';

const count = ({ controller }: JujuRig, method: string) =>
  controller.requests.filter((request) => request.method === method).length;

const backups = ({ model }: JujuRig) =>
  model.state.tasks.filter(({ action }) => action === 'create-backup');

describe('running an action over a connection that drops', () => {
  const interruptions: readonly (readonly [string, JujuFault, number])[] = [
    ['before the controller read it', { kind: 'drop-request' }, 2],
    ['before the reply', { kind: 'drop-reply' }, 1],
    ['because the controller goes away', { kind: 'close', code: 1001 }, 1],
    ['without a sign', { kind: 'stall' }, 1],
  ];
  for (const [when, fault, requests] of interruptions)
    it(`enqueues it exactly once: ${when}`, async () => {
      await using rig = await openJujuRig();
      const juju = await rig.open();
      rig.controller.faults.plan('Action.EnqueueOperation', fault);
      const outcome = await juju.runAction('kfp-db/0', 'create-backup', {});
      assert.equal(outcome.status, 'completed');
      assert.deepEqual(
        backups(rig).map(({ id }) => id),
        [outcome.task],
      );
      assert.equal(count(rig, 'Action.EnqueueOperation'), requests);
    });

  it('waits on when the controller does not find the task for a while', async () => {
    await using rig = await openJujuRig();
    const juju = await rig.open();
    const fault = { kind: 'error', message: 'id not found', code: 'not found' } as const;
    rig.controller.faults.plan('Action.Actions', fault, 3);
    const { status, task } = await juju.runAction('kfp-db/0', 'create-backup', {});
    assert.equal(status, 'completed');
    assert.deepEqual(
      backups(rig).map(({ id }) => id),
      [task],
    );
  });

  it('does not take an older task of the same action for its own', async () => {
    await using rig = await openJujuRig();
    const juju = await rig.open();
    const { id: older } = rig.model.enqueue('kfp-db/0', 'create-backup', {});
    rig.controller.faults.plan('Action.EnqueueOperation', { kind: 'drop-request' });
    const { task } = await juju.runAction('kfp-db/0', 'create-backup', {});
    assert.notEqual(task, older);
    assert.equal(backups(rig).length, 2);
  });

  it('does not take a task with other parameters, of another action or of another unit for its own', async () => {
    await using rig = await openJujuRig();
    rig.model.setScale('kfp-db', 2);
    await rig.model.settled('kfp-db');
    const juju = await rig.open();
    rig.controller.faults.plan('Action.EnqueueOperation', { kind: 'drop-request' });
    const running = juju.runAction('kfp-db/0', 'create-backup', { force: true });
    await rig.until(() => count(rig, 'Action.EnqueueOperation') === 1);
    const others = [
      rig.model.enqueue('kfp-db/0', 'create-backup', { force: false }),
      rig.model.enqueue('kfp-db/1', 'create-backup', { force: true }),
      rig.model.enqueue('kfp-db/0', 'list-backups', { force: true }),
    ];
    const { task } = await running;
    assert.ok(others.every(({ id }) => id !== task));
    assert.deepEqual(rig.model.task(task).parameters, { force: true });
  });

  it('finds a task that appears only after the connection was made again', async () => {
    await using rig = await openJujuRig();
    const juju = await rig.open();
    rig.controller.faults.plan('Action.EnqueueOperation', { kind: 'drop-request' });
    const running = juju.runAction('kfp-db/0', 'create-backup', {});
    await rig.until(() => count(rig, 'Action.ListOperations') === 2);
    const late = rig.model.enqueue('kfp-db/0', 'create-backup', {});
    assert.equal((await running).task, late.id);
    assert.equal(count(rig, 'Action.EnqueueOperation'), 1);
  });

  it('gives each of two calls of one action its own task', async () => {
    await using rig = await openJujuRig();
    const juju = await rig.open();
    rig.controller.faults.plan('Action.EnqueueOperation', { kind: 'drop-reply' }, 2);
    const outcomes = await Promise.all([
      juju.runAction('kfp-db/0', 'create-backup', {}),
      juju.runAction('kfp-db/0', 'create-backup', {}),
    ]);
    assert.deepEqual(
      outcomes.map(({ task }) => task).sort(),
      backups(rig)
        .map(({ id }) => id)
        .sort(),
    );
    assert.equal(backups(rig).length, 2);
  });

  it('finds its task among hundreds of older ones', async () => {
    await using rig = await openJujuRig();
    const { model } = rig;
    model.change(({ tasks }) => {
      const { id } = model.enqueue('kfp-db/0', 'create-backup', {});
      const pattern = model.cancel(id);
      for (let number = 0; number < 1200; number++)
        tasks.push({ ...pattern, operation: `1${number}`, id: `2${number}` });
    });
    const juju = await rig.open();
    rig.controller.faults.plan('Action.EnqueueOperation', { kind: 'drop-reply' });
    const { task, status } = await juju.runAction('kfp-db/0', 'create-backup', {});
    assert.equal(status, 'completed');
    assert.equal(task, backups(rig).at(-1)!.id);
    assert.equal(count(rig, 'Action.EnqueueOperation'), 1);
  });

  it('keeps looking when the connection drops again while it looks', async () => {
    await using rig = await openJujuRig();
    const juju = await rig.open();
    const { faults } = rig.controller;
    const running = juju.runAction('kfp-db/0', 'create-backup', {});
    faults.plan('Action.EnqueueOperation', { kind: 'drop-reply' });
    await rig.until(() => count(rig, 'Action.EnqueueOperation') === 1);
    faults.plan('Action.ListOperations', { kind: 'drop-request' }, 2);
    assert.equal((await running).status, 'completed');
    assert.equal(backups(rig).length, 1);
  });

  it('enqueues again what the controller was too busy to take', async () => {
    await using rig = await openJujuRig();
    const juju = await rig.open();
    rig.controller.faults.plan(
      'Action.EnqueueOperation',
      { kind: 'error', message: 'state changing too quickly', code: 'excessive contention' },
      3,
    );
    assert.equal((await juju.runAction('kfp-db/0', 'create-backup', {})).status, 'completed');
    assert.equal(backups(rig).length, 1);
  });

  it('waits for the end through a restart of the controller', async () => {
    await using rig = await openJujuRig();
    const finish = Promise.withResolvers<undefined>();
    rig.model.addApplication({
      name: 'katib-db',
      charm: 'mysql-k8s',
      actions: {
        'create-backup': async () => {
          await finish.promise;
          return { results: { 'backup-id': '2026-11-21T20:15:00Z' } };
        },
      },
    });
    const juju = await rig.open();
    const running = juju.runAction('katib-db/0', 'create-backup', {});
    await rig.until(() => count(rig, 'Action.Actions') > 2);
    await rig.controller.stop();
    finish.resolve(undefined);
    await rig.clock.sleep(20_000);
    await rig.controller.start();
    const { results } = await running;
    assert.equal(results['backup-id'], '2026-11-21T20:15:00Z');
    assert.equal(backups(rig).length, 1);
  });
});

describe('running an action whose pod is force-deleted', () => {
  const losing = async (line: '3.6' | '4.0') => {
    await using rig = await openJujuRig({}, line);
    rig.model.addApplication({
      name: 'katib-db',
      charm: 'mysql-k8s',
      actions: {
        'create-backup': async ({ signal }) => {
          const { promise, reject } = Promise.withResolvers<never>();
          signal.addEventListener('abort', () => {
            reject(new Error('killed'));
          });
          return promise;
        },
        'list-backups': async () => ({}),
      },
    });
    const juju = await rig.open();
    const running = juju.runAction('katib-db/0', 'create-backup', {});
    await rig.model.until(({ tasks }) => tasks[0]?.status === 'running');
    rig.model.losePod('katib-db/0');
    const outcome = await running;
    const next = await juju.runAction('katib-db/0', 'list-backups', {});
    assert.equal(next.status, 'completed');
    return { ...outcome, shown: rig.model.state.tasks[0]?.status };
  };

  it('ends although Juju 4.0 shows it as running for ever, and the unit takes the next one', async () => {
    const { status, message, shown } = await losing('4.0');
    assert.deepEqual([status, shown], ['error', 'running']);
    assert.match(message, /the pod of katib-db\/0 went away/);
  });

  it('ends as Juju 3.6 says', async () => {
    const { status, message } = await losing('3.6');
    assert.deepEqual([status, message], ['failed', 'action terminated']);
  });
});
