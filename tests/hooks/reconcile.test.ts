import assert from 'node:assert/strict';
import { CharmError } from '../../src/errors.ts';
import { unitRig } from '../rigs/unit.ts';

describe('every hook', () => {
  it('says that all is ready when all is there, for the unit and as leader for the application', async () => {
    const rig = unitRig();
    await rig.run('config-changed');
    assert.deepEqual(rig.tools.status, {
      name: 'active',
      message: 'Ready; no backup is known yet',
    });
    assert.deepEqual(rig.tools.applicationStatus, rig.tools.status);
  });

  it('leaves the application alone on a unit that does not lead, and does not log in there', async () => {
    const rig = unitRig();
    rig.tools.leader = false;
    await rig.run('config-changed');
    assert.equal(rig.tools.applicationStatus, undefined);
    assert.equal(rig.tools.status.name, 'active');
    assert.equal(rig.logins, 0);
  });

  const blocked: readonly (readonly [string, RegExp, (rig: ReturnType<typeof unitRig>) => void])[] =
    [
      [
        'the S3 relation is missing',
        /^No S3 storage \[relation-missing\]: juju integrate ckf-backup:s3-credentials s3-integrator/,
        ({ tools }) => tools.relations.delete('s3-credentials:4'),
      ],
      [
        'MinIO is missing',
        /^No MinIO \[relation-missing\]: juju integrate ckf-backup:object-storage minio/,
        ({ tools }) => tools.relations.delete('object-storage:5'),
      ],
      [
        'an option is wrong',
        /^Option transfers is wrong \[option-invalid\]: juju config ckf-backup transfers=.*The option transfers is 0/,
        ({ tools }) => (tools.options = { ...tools.options, transfers: 0 }),
      ],
      [
        'an option is wrong, and something else too',
        /^Option transfers is wrong \[option-invalid\] \(and 1 more\)/,
        ({ tools }) => {
          tools.options = { ...tools.options, transfers: 0 };
          tools.relations.delete('object-storage:5');
        },
      ],
      [
        'nobody trusts the application with the cluster',
        /^Not trusted \[kubernetes-denied\] \(and 1 more\): juju trust ckf-backup --scope=cluster/,
        ({ tools }) => {
          tools.trusted = false;
          tools.relations.delete('s3-credentials:4');
        },
      ],
      [
        'the login is refused',
        /^No\. \[juju-login-refused\]: /,
        (rig) => (rig.loginProblem = new CharmError('juju-login-refused', 'No.')),
      ],
      [
        'the user may only read',
        /\[juju-read-only\]: juju grant backup write kubeflow/,
        (rig) => (rig.access = 'read'),
      ],
      [
        'the journal is not there',
        /^Gone\. \[journal-unavailable\]/,
        ({ journal }) => {
          journal.entries = () => Promise.reject(new CharmError('journal-unavailable', 'Gone.'));
        },
      ],
    ];
  for (const [when, message, change] of blocked)
    it(`is blocked when ${when}`, async () => {
      const rig = unitRig();
      change(rig);
      await rig.run('update-status');
      assert.equal(rig.tools.status.name, 'blocked');
      assert.match(rig.tools.status.message, message);
    });

  it('is not blocked when Juju does not say whether it trusts us', async () => {
    const rig = unitRig();
    rig.tools.trusted = undefined;
    await rig.run('config-changed');
    assert.equal(rig.tools.status.name, 'active');
  });

  it('is not blocked when Juju does not trust it, and Kubernetes lets it list all it has to', async () => {
    const rig = unitRig();
    rig.tools.trusted = false;
    await rig.run('config-changed');
    assert.match(rig.tools.status.message, /^Not trusted/);
    rig.kubernetes.denied.clear();
    await rig.run('config-changed');
    assert.equal(rig.tools.status.name, 'active');
  });

  it('waits for a controller that cannot be reached', async () => {
    const rig = unitRig();
    rig.loginProblem = new CharmError('juju-unreachable', 'Away.');
    await rig.run('start');
    assert.equal(rig.tools.status.name, 'waiting');
    assert.match(rig.tools.status.message, /^Away\. \[juju-unreachable\]: /);
  });

  it('tells of the last backup', async () => {
    const rig = unitRig();
    await rig.journal.setLastBackup({ id: '2026-11-21T20:15:00Z', bytes: 1, consistent: true });
    await rig.run('update-status');
    assert.equal(rig.tools.status.message, 'Ready; last backup 2026-11-21T20:15:00Z, 1 B');
  });

  it('does not need MinIO when no component does', async () => {
    const rig = unitRig();
    rig.tools.options = { ...rig.tools.options, components: 'kfp-db' };
    rig.tools.relations.delete('object-storage:5');
    await rig.run('config-changed');
    assert.equal(rig.tools.status.name, 'active');
  });

  it('logs in at update-status only while the unit is not active', async () => {
    const rig = unitRig();
    await rig.run('update-status');
    assert.equal(rig.logins, 1);
    await rig.run('update-status');
    assert.equal(rig.logins, 1);
    await rig.run('secret-changed');
    assert.equal(rig.logins, 2);
  });

  it('notices at update-status that the grant of the secret was revoked, without a login', async () => {
    const rig = unitRig();
    await rig.run('update-status');
    assert.equal(rig.tools.status.name, 'active');
    const { logins } = rig;
    const id = 'secret:d3n8r2e5kg0c73fhvb10';
    const secret = rig.tools.secrets.get(id);
    assert.ok(secret);
    rig.tools.secrets.set(id, { ...secret, granted: false });
    await rig.run('update-status');
    assert.equal(rig.tools.status.name, 'blocked');
    assert.match(rig.tools.status.message, /\[juju-credentials-not-granted\]: juju grant-secret /);
    assert.equal(rig.logins, logins);
  });

  it('finishes the undo that a killed action left', async () => {
    const rig = unitRig();
    await rig.journal.record({ application: 'kfp-db', scale: 1, changedTo: 2, since: '' });
    await rig.run('start');
    assert.equal(rig.journal.kept.size, 0);
    assert.equal(rig.tools.status.name, 'active');
  });

  it('says what could not be put back', async () => {
    const rig = unitRig();
    await rig.journal.record({ application: 'kfp-db', scale: 1, changedTo: 2, since: '' });
    rig.unsettled = [new CharmError('scale-refused', 'kfp-db stays at 2 units.')];
    await rig.run('update-status');
    assert.match(rig.tools.status.message, /^kfp-db stays at 2 units\. \[scale-refused\]/);
  });

  it('says which version of the charm it is when it was installed', async () => {
    const rig = unitRig();
    await rig.run('upgrade-charm');
    assert.equal(rig.tools.version, '1.2.3');
  });

  it('sets no status when the unit is about to go', async () => {
    const rig = unitRig();
    await rig.run('stop');
    await rig.run('remove');
    assert.equal(rig.tools.status.message, '');
    assert.equal(rig.logins, 0);
  });
});
