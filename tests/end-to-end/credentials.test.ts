import { newSecret } from '../servers/unit-agent/state.ts';
import { configure, loginSecret } from '../sandbox/box/configure.ts';
import type { Box } from '../sandbox/box.ts';
import { sharedBox } from '../rigs/copy-of-box.ts';
import { expectFailure } from './expect-failure.ts';

const secretOf = (box: Box) => {
  const secret = box.unit.agent.state.secrets.find(({ id }) => id === loginSecret);
  if (secret === undefined) throw new Error('the box has no login');
  return secret;
};

describe('a backup without the right to make one', () => {
  const shared = sharedBox();

  it('says how to give it a Juju user when it has none', async () => {
    const box = shared();
    configure(box.unit.agent.state, { 'juju-credentials': undefined });
    await expectFailure(box, 'juju-credentials-missing');
  });

  it('says which secret is not there', async () => {
    const box = shared();
    configure(box.unit.agent.state, { 'juju-credentials': 'secret:d3n8r2e5kg0c73gone00' });
    await expectFailure(box, 'juju-credentials-missing');
  });

  it('says which secret it was not granted', async () => {
    const box = shared();
    secretOf(box).grants.length = 0;
    await expectFailure(box, 'juju-credentials-not-granted');
  });

  it('says what the secret lacks', async () => {
    const box = shared();
    const id = 'd3n8r2e5kg0c73fempty';
    box.unit.agent.state.secrets.push(
      newSecret(id, 'user', { username: 'ckf-backup' }, ['ckf-backup']),
    );
    configure(box.unit.agent.state, { 'juju-credentials': `secret:${id}` });
    await expectFailure(box, 'juju-credentials-invalid');
  });

  it('says that Juju refuses the password', async () => {
    const box = shared();
    secretOf(box).revisions.push({ username: 'ckf-backup', password: 'not the one' });
    await expectFailure(box, 'juju-login-refused');
  });

  it('says that the user may only read', async () => {
    const box = shared();
    const { password } = box.users['ckf-backup']!;
    box.users['ckf-backup'] = { password, access: 'read' };
    await expectFailure(box, 'juju-read-only');
    box.users['ckf-backup'] = { password, access: 'write' };
  });

  it('says that it is not trusted with the cluster', async () => {
    const box = shared();
    Reflect.deleteProperty(box.unit.agent.state, 'credential');
    await expectFailure(box, 'kubernetes-denied');
  });

  it('says that S3 refuses the keys', async () => {
    const box = shared();
    box.neighbours.s3Integrator = { ...box.neighbours.s3Integrator, secretKey: 'not-the-one' };
    await box.settle();
    await expectFailure(box, 'store-denied');
  });

  it('names an option that it does not understand', async () => {
    const box = shared();
    configure(box.unit.agent.state, { components: 'kfp-db,notebooks' });
    await expectFailure(box, 'option-invalid');
  });
});
