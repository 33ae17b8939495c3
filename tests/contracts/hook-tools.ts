import assert from 'node:assert/strict';
import { hasCode } from '../../src/errors.ts';
import type { ClusterAccess, HookTools } from '../../src/world.ts';

/** What both the fake and the real tools start from, and how one looks at what became of it. */
export interface HookToolsRig extends AsyncDisposable {
  readonly tools: HookTools;
  /** What our application has written into relation 4. */
  ours(): Readonly<Record<string, string>>;
  /** What our unit has written into relation 4. */
  oursOfUnit(): Readonly<Record<string, string>>;
  /** The contents of our own secrets. */
  ownSecrets(): readonly Readonly<Record<string, string>>[];
  /** The revisions of our own secrets that were removed one by one. */
  removedRevisions(): readonly number[];
  /** The applications that may read our own secrets. */
  grants(): readonly string[];
  /** When each alarm rings, by its label. */
  alarms(): Readonly<Record<string, string>>;
  status(of: 'unit' | 'application'): { readonly name: string; readonly message: string };
  results(): Readonly<Record<string, unknown>>;
  failure(): string | undefined;
  actionLog(): readonly string[];
}

export const grantedSecret = 'secret:d3n8r2e5kg0c73fhvb10';
export const foreignSecret = 'secret:d3n8r2e5kg0c73fhvb11';
export const remoteData = { bucket: 'b', 'secret-key': ' s "1" <&> ', path: '' } as const;
export const remoteUnitData = { endpoint: '{"url": "http://a"}' } as const;
export const cluster: ClusterAccess = {
  server: 'https://10.0.0.1:6443',
  ca: 'PEM',
  token: 't0ken',
};

/**
 * The promises of world.ts, for a unit that leads and runs an action, with relation
 * s3-credentials:4 to s3-integrator.
 */
export const hookToolsContract = (
  open: (state: { readonly leader: boolean; readonly bare: boolean }) => Promise<HookToolsRig>,
): void => {
  const unit = () => open({ leader: true, bare: false });

  it('says what is configured, with the types that config.yaml gives', async () => {
    await using rig = await unit();
    const { transfers, bucket } = await rig.tools.config();
    assert.deepEqual({ transfers, bucket }, { transfers: 32, bucket: 'mine' });
  });

  it('knows whether the unit leads', async () => {
    await using rig = await unit();
    assert.equal(await rig.tools.isLeader(), true);
    await using follower = await open({ leader: false, bare: false });
    assert.equal(await follower.tools.isLeader(), false);
  });

  it('lists relations, and none for an endpoint without', async () => {
    await using rig = await unit();
    assert.deepEqual(await rig.tools.relationIds('s3-credentials'), ['s3-credentials:4']);
    assert.deepEqual(await rig.tools.relationIds('kfp-db'), []);
    assert.equal(await rig.tools.remoteApplication('s3-credentials:4'), 's3-integrator');
  });

  it('reads a databag exactly, and an empty one from a relation that has gone', async () => {
    await using rig = await unit();
    const data = await rig.tools.applicationData('s3-credentials:4', 's3-integrator');
    assert.deepEqual(data, remoteData);
    assert.deepEqual(await rig.tools.applicationData('kfp-db:99', 'kfp-db'), {});
    assert.equal(await rig.tools.remoteApplication('kfp-db:99'), undefined);
    await rig.tools.setApplicationData('kfp-db:99', { a: 'b' });
  });

  it('merges into our databag, keeps blanks and quotes, and deletes with an empty text', async () => {
    await using rig = await unit();
    await rig.tools.setApplicationData('s3-credentials:4', { keep: ' "a"\n b ', go: 'x' });
    await rig.tools.setApplicationData('s3-credentials:4', { go: '', more: '- v1\n' });
    await rig.tools.setApplicationData('s3-credentials:4', {});
    const expected = { keep: ' "a"\n b ', more: '- v1\n' };
    assert.deepEqual(await rig.tools.applicationData('s3-credentials:4', 'ckf-backup'), expected);
    assert.deepEqual(rig.ours(), expected);
  });

  it('does not let a unit that does not lead write for the application', async () => {
    await using rig = await open({ leader: false, bare: false });
    await assert.rejects(rig.tools.setApplicationData('s3-credentials:4', { a: 'b' }));
    await assert.rejects(rig.tools.setStatus({ name: 'active', message: '' }, 'application'));
    assert.deepEqual(rig.ours(), {});
  });

  it('tells a secret that is not granted from one that does not exist', async () => {
    await using rig = await unit();
    assert.deepEqual(await rig.tools.secret(grantedSecret), { username: 'u', password: 'p w' });
    await assert.rejects(rig.tools.secret(foreignSecret), (error) =>
      hasCode(error, 'juju-credentials-not-granted'),
    );
    await assert.rejects(rig.tools.secret('secret:d3n8r2e5kg0c73fhvzzz'), (error) =>
      hasCode(error, 'juju-credentials-missing'),
    );
  });

  it('makes, changes, grants and removes a secret of ours', async () => {
    await using rig = await unit();
    const id = await rig.tools.ownSecret('mine', { 'secret-key': ' a=b\n' });
    await rig.tools.grantSecret(id, 's3-credentials:4');
    assert.deepEqual(rig.ownSecrets(), [{ 'secret-key': ' a=b\n' }]);
    assert.deepEqual(rig.grants(), ['s3-integrator']);
    assert.equal(await rig.tools.ownSecret('mine', { 'secret-key': 'new' }), id);
    assert.deepEqual(rig.ownSecrets(), [{ 'secret-key': 'new' }]);
    await rig.tools.removeSecret(id, 1);
    assert.deepEqual(rig.ownSecrets(), [{ 'secret-key': 'new' }]);
    assert.deepEqual(rig.removedRevisions(), [1]);
    await rig.tools.removeSecret(id);
    await rig.tools.removeSecret(id, 1);
    await rig.tools.removeSecret(id);
    assert.deepEqual(rig.ownSecrets(), []);
  });

  it('writes into the databag of the unit, whether or not it leads, and knows its address', async () => {
    await using follower = await open({ leader: false, bare: false });
    await follower.tools.setUnitData('s3-credentials:4', { address: ' a "b"', more: '1' });
    await follower.tools.setUnitData('s3-credentials:4', { more: '2' });
    assert.deepEqual(follower.oursOfUnit(), { address: ' a "b"', more: '2' });
    assert.equal(await follower.tools.bindAddress('s3-credentials'), '10.1.0.1');
    await follower.tools.setUnitData('s3-credentials:9', { more: '2' });
  });

  it('reads the databags of the units at the other end, and none of a relation that has gone', async () => {
    await using rig = await unit();
    assert.deepEqual(await rig.tools.remoteUnitsData('s3-credentials:4'), [remoteUnitData]);
    assert.deepEqual(await rig.tools.remoteUnitsData('s3-credentials:9'), []);
  });

  it('sets an alarm, moves it, and takes it away', async () => {
    await using rig = await unit();
    await rig.tools.setAlarm('schedule', undefined);
    await rig.tools.setAlarm('schedule', new Date('2026-11-25T02:00:00Z'));
    assert.deepEqual(rig.alarms(), { schedule: '2026-11-25T02:00:00.000Z' });
    const before = rig.ownSecrets();
    await rig.tools.setAlarm('schedule', new Date('2026-11-26T02:00:00.000Z'));
    assert.deepEqual(rig.alarms(), { schedule: '2026-11-26T02:00:00.000Z' });
    assert.deepEqual(rig.ownSecrets(), before);
    await rig.tools.setAlarm('schedule', undefined);
    assert.deepEqual(rig.alarms(), {});
    await using follower = await open({ leader: false, bare: false });
    await assert.rejects(follower.tools.setAlarm('schedule', new Date()));
  });

  it('sets the status of the unit and of the application, also with a message like a flag', async () => {
    await using rig = await unit();
    await rig.tools.setStatus({ name: 'blocked', message: '--help' }, 'unit');
    await rig.tools.setStatus({ name: 'waiting', message: '' }, 'application');
    assert.deepEqual(rig.status('unit'), { name: 'blocked', message: '--help' });
    assert.deepEqual(rig.status('application'), { name: 'waiting', message: '' });
    assert.deepEqual(await rig.tools.unitStatus(), rig.status('unit'));
  });

  it('takes parameters in and gives log, results and failure out', async () => {
    await using rig = await unit();
    assert.equal((await rig.tools.actionParameters())['timeout'], 1800);
    await rig.tools.actionLog('-1 of 2');
    await rig.tools.actionSet({ 'backup-id': 'a=b', size: '' });
    await rig.tools.actionSet({});
    await rig.tools.actionSet({ more: '--x' });
    await rig.tools.actionFail('--no');
    assert.deepEqual(rig.results(), { 'backup-id': 'a=b', size: '', more: '--x' });
    assert.equal(rig.failure(), '--no');
    assert.deepEqual(rig.actionLog(), ['-1 of 2']);
    await assert.rejects(rig.tools.actionSet({ Capital: 'x' }));
  });

  it('says where storage is, and how Kubernetes is reached when Juju trusts us', async () => {
    await using rig = await unit();
    assert.match((await rig.tools.storageLocation('journal')) ?? '', /journal/);
    assert.deepEqual(await rig.tools.cloudCredential(), cluster);
    assert.equal(await rig.tools.isTrusted(), true);
    await using bare = await open({ leader: true, bare: true });
    assert.equal(await bare.tools.storageLocation('journal'), undefined);
    assert.equal(await bare.tools.cloudCredential(), undefined);
    assert.equal(await bare.tools.isTrusted(), false);
  });
};
