import assert from 'node:assert/strict';
import { configure } from '../sandbox/box/configure.ts';
import { setQuietCluster } from '../sandbox/box/quiet-cluster.ts';
import type { Box } from '../sandbox/box.ts';
import { copyOfBox, sharedBox } from '../rigs/copy-of-box.ts';
import { expectFailure } from './expect-failure.ts';

/** Another cluster has written to the path before, as when a database was deployed again. */
const claimByAnother = async (box: Box): Promise<void> => {
  const { target, backups } = box.stores;
  const key = `${box.prefix}/kfp-db/group_replication_id.txt`;
  target.contents.put(backups.bucket, { key, content: 'f3e1ed9c-another-group' });
  await box.disintegrate('kfp-db');
  await box.integrate('kfp-db');
};

describe('a backup of applications that are not well', () => {
  const shared = sharedBox();
  let givingUp: Promise<void>;

  before(() => {
    // It waits for a minute, so that the other tests run meanwhile.
    givingUp = giveUp();
    givingUp.catch(() => undefined);
  });

  it('names the application that is missing', async () => {
    const box = shared();
    configure(box.unit.agent.state, { 'mlmd-application': 'metadata' });
    await expectFailure(box, 'application-missing');
  });

  it('leaves an application in error alone', async () => {
    const box = shared();
    box.model.setWorkload('mlmd/0', 'error', 'hook failed: "update-status"');
    await expectFailure(box, 'application-unhealthy');
    box.model.setWorkload('mlmd/0', 'active');
  });

  it('leaves a blocked application alone', async () => {
    const box = shared();
    box.model.setWorkload('katib-db/0', 'blocked', 'failed to recover cluster.');
    await expectFailure(box, 'application-unhealthy');
    box.model.setWorkload('katib-db/0', 'active', 'Primary');
  });

  it('is told to run again once the database has a path that no other cluster claimed', async () => {
    await using box = await copyOfBox();
    await claimByAnother(box);
    assert.equal(
      box.model.application('kfp-db').status?.message,
      'S3 repository claimed by another cluster',
    );
    await expectFailure(box, 'database-path-moved');
    await box.model.settled('kfp-db');
    const { status, message } = await box.run('backup-control-plane');
    assert.equal(status, 'completed', message);
  });

  it('does not touch a database with a member that is being backed up', async () => {
    const box = shared();
    const [member] = box.databases['kfp-db'].cluster.members;
    member!.hidden = true;
    await expectFailure(box, 'database-unhealthy');
    member!.hidden = false;
  });

  it('names what runs', async () => {
    const box = shared();
    box.kubernetes.setResources('argoproj.io/v1alpha1/workflows', [
      { metadata: { name: 'train-7', namespace: 'alice' }, status: { phase: 'Running' } },
    ]);
    const { message } = await expectFailure(box, 'workloads-running');
    assert.match(message, /alice\/train-7/);
    setQuietCluster(box.kubernetes);
  });

  it('reports every problem at once', async () => {
    const box = shared();
    configure(box.unit.agent.state, { 'mlmd-application': 'metadata' });
    box.model.setWorkload('kfp-db/0', 'error', 'hook failed: "start"');
    const { message } = await expectFailure(box, 'preflight-failed');
    assert.match(message, /\[application-missing\]/);
    assert.match(message, /\[application-unhealthy\]/);
    box.model.setWorkload('kfp-db/0', 'active', 'Primary');
  });

  it('takes the second unit away again when create-backup fails', async () => {
    await using box = await copyOfBox();
    box.databases['katib-db'].faults.uploadFails = true;
    const { message } = await expectFailure(box, 'database-backup-failed');
    assert.match(message, /Error backing up the database/);
  });

  it('does not believe a backup that the database does not list as finished', async () => {
    await using box = await copyOfBox();
    await box.configure({ components: 'kfp-db' });
    box.databases['kfp-db'].faults.markerMissing = true;
    await expectFailure(box, 'database-backup-failed');
  });

  it('gives up in time on a unit that is never scheduled, and takes it away again', async () => {
    await givingUp;
  });
});

const giveUp = async (): Promise<void> => {
  await using box = await copyOfBox();
  await box.configure({ components: 'kfp-db,katib-db' });
  box.model.change(({ applications }) => {
    applications['katib-db']!.scheduling = 'pending';
  });
  const { message } = await expectFailure(box, 'scale-timed-out', { timeout: 60 });
  assert.match(message, /katib-db/);
  assert.equal(box.model.application('kfp-db').units.length, 1);
};
