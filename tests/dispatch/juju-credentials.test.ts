import assert from 'node:assert/strict';
import { visibleCharacters } from '../../src/hooks/status-text.ts';
import { createAuthority } from '../servers/network/certificates.ts';
import { silentServer } from '../servers/network/silent-server.ts';
import type { UnitAgentState } from '../servers/unit-agent/state.ts';
import { type Lane, giveCredentials, openLane } from './lane.ts';
import {
  databags,
  jujuPassword,
  kubernetesToken,
  relations,
  unitWith,
  userSecret,
} from './world-of-relations.ts';

const uri = `secret:${userSecret}`;
const content = { username: 'backup', password: jujuPassword };

/** All that a backup needs but for the Juju user. */
const unit = (): UnitAgentState =>
  unitWith([relations.s3(databags.track2), relations.minio()], {
    config: { components: 'mlpipeline' },
  });

const withCredentials = (
  ...given: readonly [Record<string, string>?, string[]?]
): UnitAgentState => {
  const state = unit();
  giveCredentials(state, ...given);
  return state;
};

describe('the Juju user of a hook', () => {
  let lane: Lane;
  before(async () => {
    lane = await openLane();
  });
  after(() => lane[Symbol.asyncDispose]());

  /** The unit's and the application's status are the same, and tell no secret. */
  const statusAfter = async (
    state: UnitAgentState,
    hook = 'config-changed',
  ): Promise<UnitAgentState['unitStatus']> => {
    const { after, dispatch } = await lane.run(state, { hook });
    const { exitCode, stdout, stderr } = dispatch;
    assert.deepEqual([exitCode, stdout, stderr], [0, '', '']);
    assert.deepEqual(after.applicationStatus, after.unitStatus);
    const seen = JSON.stringify([after.unitStatus, dispatch]);
    for (const secret of [jujuPassword, kubernetesToken]) assert.ok(!seen.includes(secret));
    return after.unitStatus;
  };

  const wrong: Readonly<
    Record<string, readonly [() => UnitAgentState, code: string, ...commands: readonly string[]]>
  > = {
    'is not set': [
      unit,
      'juju-credentials-missing',
      'juju add-user ckf-backup; juju change-user-password ckf-backup; juju grant ckf-backup write kubeflow;',
      'juju grant-secret juju-user ckf-backup; juju config ckf-backup juju-credentials=',
    ],
    'names a secret that is not there': [
      () => ({ ...withCredentials(), secrets: unit().secrets }),
      'juju-credentials-missing',
      'juju secrets; juju config ckf-backup juju-credentials=',
    ],
    'names a secret that was not granted': [
      () => withCredentials(content, []),
      'juju-credentials-not-granted',
      `juju grant-secret ${uri} ckf-backup`,
    ],
    'has no password': [
      () => withCredentials({ username: 'backup' }),
      'juju-credentials-invalid',
      `juju update-secret ${uri} username=<user> password#file=<file with it>`,
    ],
    'has a wrong password': [
      () => withCredentials({ ...content, password: 'not the one' }),
      'juju-login-refused',
      `juju change-user-password backup; juju update-secret ${uri} username=backup password#file=`,
    ],
    'has endpoints that are not addresses': [
      () => withCredentials({ ...content, endpoints: 'https://controller' }),
      'juju-credentials-invalid',
      'host:port',
    ],
  };
  for (const [name, [state, code, ...commands]] of Object.entries(wrong))
    it(`blocks with the command that mends it when it ${name}`, async () => {
      const { status, message } = await statusAfter(state());
      assert.equal(status, 'blocked');
      assert.ok(message.slice(0, visibleCharacters).includes(` [${code}]: juju `), message);
      assert.ok(message.indexOf(' | ') <= visibleCharacters, message);
      for (const command of commands) assert.ok(message.includes(command), message);
    });

  for (const access of ['read', undefined] as const)
    it(`blocks with the command that mends it when it may ${access ?? 'do nothing'} here`, async () => {
      lane.users['backup'] = { password: jujuPassword, ...(access && { access }) };
      const { status, message } = await statusAfter(withCredentials());
      lane.users['backup'] = { password: jujuPassword, access: 'write' };
      assert.equal(status, 'blocked');
      assert.match(message, /juju grant backup write kubeflow/);
    });

  it('blocks when the certificate in the secret is that of another controller', async () => {
    const { ca } = await createAuthority('another');
    const { status, message } = await statusAfter(withCredentials({ ...content, 'ca-cert': ca }));
    assert.deepEqual([status, /ca-cert/.test(message)], ['blocked', true]);
  });

  it('is taken from the newest revision of the secret, without a restart', async () => {
    const state = withCredentials();
    assert.equal((await statusAfter(state)).status, 'active');
    lane.users['backup'] = { password: 'rotated password', access: 'write' };
    assert.match((await statusAfter(state)).message, /^[^|]* \[juju-login-refused\]: /);
    const rotated = { ...content, password: 'rotated password' };
    state.secrets.find(({ id }) => id === userSecret)?.revisions.push(rotated);
    assert.equal((await statusAfter(state, 'secret-changed')).status, 'active');
    lane.users['backup'] = { password: jujuPassword, access: 'write' };
  });

  it('is not logged in by update-status when all is well', async () => {
    const { after } = await lane.run(withCredentials(), { hook: 'config-changed' });
    const requests = lane.controller.requests.length;
    assert.equal((await statusAfter(after, 'update-status')).status, 'active');
    assert.equal(lane.controller.requests.length, requests);
  });

  it('waits for a controller that refuses connections, and says what to look at', async () => {
    const endpoints = '127.0.0.1:1';
    const { status, message } = await statusAfter(withCredentials({ ...content, endpoints }));
    assert.equal(status, 'waiting');
    assert.match(
      message,
      /\[juju-unreachable\]: juju show-controller \| .*127\.0\.0\.1:1: .*ECONNREFUSED/,
    );
  });

  it('does not wait long for a controller that says nothing', async () => {
    await using silent = await silentServer();
    const endpoints = `${silent.address},${silent.address}`;
    const { status, message } = await statusAfter(withCredentials({ ...content, endpoints }));
    assert.equal(status, 'waiting');
    assert.match(message, /no answer within 10 s from 127\.0\.0\.1:\d+/);
  });
});
