import assert from 'node:assert/strict';
import { CharmError, hasCode } from '../../../src/errors.ts';
import type { JujuFault } from '../../servers/juju/faults.ts';
import { openJujuRig } from '../../rigs/juju.ts';

const interruptions: readonly (readonly [string, JujuFault])[] = [
  ['is cut before the controller read the request', { kind: 'drop-request' }],
  ['is cut before the reply', { kind: 'drop-reply' }],
  ['is closed by a controller that goes away', { kind: 'close', code: 1001 }],
  ['stays silent', { kind: 'stall' }],
];

describe('a Juju model over a connection that', () => {
  for (const [name, fault] of interruptions)
    it(`${name} is asked again for what may be asked twice`, async () => {
      await using rig = await openJujuRig();
      const juju = await rig.open();
      for (const method of [
        'Client.FullStatus',
        'Application.ScaleApplications',
        'Action.ApplicationsCharmsActions',
      ])
        rig.controller.faults.plan(method, fault);
      assert.equal((await juju.status()).name, 'kubeflow');
      await juju.scale('kfp-db', 2);
      assert.equal(rig.model.application('kfp-db').scale, 2);
      assert.deepEqual(await juju.actionNames('kfp-db'), ['create-backup', 'list-backups']);
    });

  it('is shared by many calls reconnects once for all of them', async () => {
    await using rig = await openJujuRig();
    const juju = await rig.open();
    rig.controller.faults.plan('Client.FullStatus', { kind: 'drop-request' });
    await Promise.all(Array.from({ length: 8 }, () => juju.status()));
    const logins = rig.controller.requests.filter(({ method }) => method === 'Admin.Login');
    assert.equal(logins.length, 2);
  });
});

describe('a Juju model whose controller', () => {
  it('is busy or is being upgraded is asked again', async () => {
    await using rig = await openJujuRig();
    const juju = await rig.open();
    for (const code of [
      'try again',
      'excessive contention',
      'upgrade in progress',
      'model migration in progress',
    ])
      rig.controller.faults.plan('Application.ScaleApplications', {
        kind: 'error',
        message: code,
        code,
      });
    await juju.scale('kfp-db', 3);
    assert.equal(rig.model.application('kfp-db').scale, 3);
    assert.equal(rig.model.changes.length, 1);
  });

  it('is restarted goes on where it was', async () => {
    await using rig = await openJujuRig();
    const juju = await rig.open();
    await rig.controller.stop();
    const status = juju.status();
    await rig.clock.sleep(10_000);
    await rig.controller.start();
    assert.equal((await status).name, 'kubeflow');
  });

  it('stays away is given up after some minutes', async () => {
    await using rig = await openJujuRig();
    const juju = await rig.open();
    await rig.controller.stop();
    rig.clock.times = 5000;
    const before = rig.clock.now().getTime();
    await assert.rejects(juju.scale('kfp-db', 2), (error) => {
      assert.ok(hasCode(error, 'juju-unreachable'));
      assert.match(error.message, /scale kfp-db to 2 units \(127\.0\.0\.1:/);
      return true;
    });
    assert.ok(rig.clock.now().getTime() - before > 5 * 60_000);
  });

  it('refuses says so in its own words, and what was asked stays out of it', async () => {
    await using rig = await openJujuRig();
    const juju = await rig.open();
    rig.controller.faults.plan('Action.EnqueueOperation', {
      kind: 'error',
      message: 'no room for more',
      code: 'quota limit exceeded',
    });
    await assert.rejects(juju.runAction('kfp-db/0', 'create-backup', { key: 'hush' }), (error) => {
      assert.ok(error instanceof CharmError);
      assert.equal(error.message, 'Juju would not run create-backup on kfp-db/0: no room for more');
      return true;
    });
  });

  it('has changes disabled says how to enable them', async () => {
    await using rig = await openJujuRig();
    const juju = await rig.open();
    rig.model.change((state) => (state.changesBlocked = true));
    await assert.rejects(juju.scale('kfp-db', 2), /juju enable-command all/);
  });

  it('answers with a status of several MiB is understood', async () => {
    await using rig = await openJujuRig();
    const juju = await rig.open();
    rig.controller.padStatus(5 * 1024 * 1024);
    assert.equal((await juju.status()).name, 'kubeflow');
  });
});
