import assert from 'node:assert/strict';
import { CharmError, type ErrorCode } from '../../../src/errors.ts';
import { createAuthority } from '../../servers/network/certificates.ts';
import { silentServer } from '../../servers/network/silent-server.ts';
import { password, openJujuRig } from '../../rigs/juju.ts';

const refusal = (code: ErrorCode, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof CharmError, String(error));
  assert.match(error.message, words);
  assert.equal(error.code, code);
  assert.ok(!error.message.includes(password));
  return true;
};

describe('logging in to a Juju model', () => {
  it('says how to set a password when the controller refuses it', async () => {
    await using rig = await openJujuRig({ off: { password, access: 'admin', disabled: true } });
    await assert.rejects(
      rig.open({ password: 'wrong' }),
      refusal(
        'juju-login-refused',
        /juju change-user-password ckf-backup; juju update-secret secret:d3n8r2e5kg0c73fhvb10 username=ckf-backup password#file=/,
      ),
    );
    for (const username of ['nobody', 'off'])
      await assert.rejects(
        rig.open({ username }),
        refusal('juju-login-refused', new RegExp(`${username}.*disabled`)),
      );
  });

  it('says how to grant access when the user has none on this model', async () => {
    await using rig = await openJujuRig({ stranger: { password } });
    await assert.rejects(
      rig.open({ username: 'stranger' }),
      refusal('juju-login-refused', /juju grant stranger write kubeflow/),
    );
  });

  it('says how to make a local user when the controller wants a login in a browser', async () => {
    await using rig = await openJujuRig({ 'alice@example': { password, external: true } });
    for (const options of [{ username: 'alice@example' }, { password: '' }])
      await assert.rejects(
        rig.open(options),
        refusal('juju-login-refused', /juju add-user ckf-backup/),
      );
  });

  it('says that the controller does not know the model', async () => {
    await using rig = await openJujuRig();
    await assert.rejects(
      rig.open({ model: { name: 'other', uuid: 'd3b0' } }),
      refusal('juju-login-refused', /does not know the model other \(d3b0\)/),
    );
  });

  it('says that the model has moved to another controller', async () => {
    await using rig = await openJujuRig();
    rig.controller.faults.plan('Admin.Login', {
      kind: 'error',
      message: 'redirection to alternative server required',
      code: 'redirection required',
      info: { servers: [], 'ca-cert': '' },
    });
    await assert.rejects(rig.open(), refusal('juju-unreachable', /moved to another controller/));
  });

  it('says that JAAS does not take a password', async () => {
    await using rig = await openJujuRig();
    rig.controller.faults.plan('Admin.Login', {
      kind: 'error',
      message: 'JIMM does not support login from old clients',
      code: 'not supported',
    });
    await assert.rejects(rig.open(), refusal('juju-login-refused', /JAAS/));
  });

  it('waits for a controller that is in maintenance or being upgraded', async () => {
    await using rig = await openJujuRig();
    rig.controller.faults.plan('Admin.Login', {
      kind: 'error',
      message: 'login failed - maintenance in progress',
      code: '',
    });
    rig.controller.faults.plan('Admin.Login', {
      kind: 'error',
      message: 'upgrade in progress',
      code: 'upgrade in progress',
    });
    assert.equal((await rig.open()).access, 'write');
  });

  it('tells a superuser without a grant how to get one, at the first call that needs it', async () => {
    await using rig = await openJujuRig({ root: { password, superuser: true } });
    const juju = await rig.open({ username: 'root' });
    assert.ok((await juju.status()).applications.has('kfp-db'));
    await assert.rejects(
      juju.scale('kfp-db', 2),
      refusal('juju-read-only', /juju grant root write kubeflow/),
    );
  });
});

describe('connecting to a Juju controller', () => {
  it('tries the addresses in turn', async () => {
    await using rig = await openJujuRig();
    const juju = await rig.open({ endpoints: ['127.0.0.1:1', rig.controller.endpoint] });
    assert.equal((await juju.status()).name, 'kubeflow');
  });

  it('does not wait for an address that says nothing when another one answers', async () => {
    await using rig = await openJujuRig();
    await using silent = await silentServer();
    const endpoints = [silent.address, '127.0.0.1:1', rig.controller.endpoint];
    const juju = await rig.open({ endpoints });
    assert.equal((await juju.status()).name, 'kubeflow');
    await silent.left;
  });

  it('gives up in time when it is in a hurry, and names the addresses', async () => {
    await using rig = await openJujuRig();
    assert.equal((await rig.open({ hurry: 1_000_000 })).access, 'write');
    await using silent = await silentServer();
    await assert.rejects(
      rig.open({ endpoints: [silent.address], hurry: 100 }),
      refusal('juju-unreachable', new RegExp(`no answer within 0.1 s from ${silent.address}`)),
    );
    rig.controller.faults.plan('Admin.Login', { kind: 'stall' });
    await assert.rejects(
      rig.open({ hurry: 20_000 }),
      refusal('juju-unreachable', /no answer within 20 s.*juju show-controller/),
    );
  });

  it('names every address that it could not reach', async () => {
    await using rig = await openJujuRig();
    rig.clock.times = 1000;
    await assert.rejects(
      rig.open({ endpoints: ['127.0.0.1:1', '[::1]:2'] }),
      refusal('juju-unreachable', /127\.0\.0\.1:1: .*; \[::1\]:2: /),
    );
  });

  it('trusts nobody but the CA that it was given', async () => {
    await using rig = await openJujuRig();
    const { ca } = await createAuthority('another');
    for (const other of [ca, undefined])
      await assert.rejects(
        rig.open({ ca: other }),
        refusal('juju-credentials-invalid', /was not signed by/),
      );
  });

  it('refuses a CA that is not a certificate, and an address that is not one', async () => {
    await using rig = await openJujuRig();
    await assert.rejects(rig.open({ ca: 'c2VjcmV0' }), refusal('juju-credentials-invalid', /PEM/));
    await assert.rejects(
      rig.open({ endpoints: ['http://controller'] }),
      refusal('juju-credentials-invalid', /"http:\/\/controller" is not the address/),
    );
    await assert.rejects(
      rig.open({ endpoints: ['a b'] }),
      refusal('juju-credentials-invalid', /"a b" is not the address/),
    );
    await assert.rejects(
      rig.open({ endpoints: [] }),
      refusal('juju-credentials-invalid', /No address/),
    );
  });

  it('lets go of the controller when it is disposed of, and answers no more', async () => {
    await using rig = await openJujuRig();
    const juju = await rig.open();
    rig.controller.faults.plan('Client.FullStatus', { kind: 'stall' });
    const pending = juju.status();
    await rig.until(() =>
      rig.controller.requests.some(({ method }) => method === 'Client.FullStatus'),
    );
    await juju[Symbol.asyncDispose]();
    await assert.rejects(pending, /was closed/);
    await assert.rejects(juju.status(), /was closed/);
    await rig.until(() => rig.controller.connections === 0);
  });

  it('lets go of the controller when its signal fires', async () => {
    await using rig = await openJujuRig();
    const stop = new AbortController();
    const juju = await rig.open({ signal: stop.signal });
    stop.abort(new Error('asked to stop'));
    await assert.rejects(juju.status(), /asked to stop/);
    await rig.until(() => rig.controller.connections === 0);
  });

  it('notices a controller that has gone without closing the connection', async () => {
    await using rig = await openJujuRig();
    rig.clock.times = 1000;
    rig.controller.faults.plan('Pinger.Ping', { kind: 'stall' });
    const juju = await rig.open();
    await rig.until(() => rig.controller.connections === 0);
    assert.equal((await juju.status()).name, 'kubeflow');
  });
});
