import assert from 'node:assert/strict';
import { startUnitAgent } from '../servers/unit-agent/unit-agent.ts';
import type { RelationState, UnitAgentState } from '../servers/unit-agent/state.ts';
import { databags, relations, s3Secret, secretKey, unitWith } from './world-of-relations.ts';

/** Runs hooks one after the other and returns what our side of each relation holds, by endpoint. */
const after = async (
  state: UnitAgentState,
  ...hooks: (string | { readonly hook: string; readonly relation: number })[]
): Promise<Record<string, RelationState['localApplicationData']>> => {
  await using agent = await startUnitAgent({ state });
  await agent.attachStorage('journal');
  for (const hook of hooks) {
    const run = await agent.dispatch(typeof hook === 'string' ? { hook } : hook);
    assert.equal(run.exitCode, 0, run.stderr);
    assert.equal(run.stderr + run.stdout, '');
  }
  return Object.fromEntries(
    state.relations.map(({ endpoint, localApplicationData }) => [endpoint, localApplicationData]),
  );
};

const request = {
  'requested-secrets': '["access-key","secret-key"]',
  version: '1',
  'lib-version': '1.0',
};

describe('the object-storage relation', () => {
  it('names the version it speaks on every hook, also when all else is wrong', async () => {
    const state = unitWith([relations.minio({})], { config: { transfers: 0 } });
    const { 'object-storage': data } = await after(state, 'update-status');
    assert.deepEqual(data, { _supported_versions: '- v1\n' });
  });

  it('is left alone by a unit that is not the leader', async () => {
    const state = unitWith([relations.minio()], { leader: false });
    const { 'object-storage': data } = await after(state, 'object-storage-relation-changed');
    assert.deepEqual(data, {});
  });
});

describe('the s3-credentials relation', () => {
  it('asks for credentials in a secret, and for no bucket while none is configured', async () => {
    const data = await after(unitWith([relations.s3({})]), 's3-credentials-relation-created');
    assert.deepEqual(data['s3-credentials'], request);
  });

  it('asks for the configured bucket at once', async () => {
    const state = unitWith([relations.s3({})], { config: { bucket: 'mine' } });
    const data = await after(state, 's3-credentials-relation-created');
    assert.deepEqual(data['s3-credentials'], { ...request, bucket: 'mine' });
  });

  it('writes the bucket that track 1 waits for once the provider shows to be track 1', async () => {
    const state = unitWith([relations.s3({ endpoint: 'https://s3.example.com' })]);
    const data = await after(state, 's3-credentials-relation-changed');
    assert.equal(data['s3-credentials']?.['bucket'], 'relation-4');
  });

  it('writes it too when the provider stays silent until update-status', async () => {
    const data = await after(unitWith([relations.s3({})]), 'config-changed', 'update-status');
    assert.equal(data['s3-credentials']?.['bucket'], 'relation-4');
  });

  it('asks track 2 for no bucket, which it would create, and takes back one that was asked for', async () => {
    const relation = relations.s3(databags.track2);
    relation.localApplicationData = { bucket: 'relation-4' };
    const data = await after(unitWith([relation]), 'update-status');
    assert.deepEqual(data['s3-credentials'], request);
  });
});

describe('the relations to the databases', () => {
  const given = {
    bucket: 'ckf-backups',
    endpoint: 'https://s3.example.com/',
    region: 'eu-west-2',
    's3-uri-style': 'path',
    'storage-class': 'STANDARD_IA',
    's3-api-version': '4',
    attributes: '["X-Amz-Server-Side-Encryption=AES256"]',
    'access-key': 'AKIAIOSFODNN7EXAMPLE',
    'secret-key': secretKey,
  };

  it('hand each database our S3 under a path of its own', async () => {
    const state = unitWith([relations.s3(), relations.kfpDb(), relations.katibDb()]);
    const data = await after(state, 's3-credentials-relation-changed');
    assert.deepEqual(data['kfp-db'], { ...given, path: 'charmed/kfp-db' });
    assert.deepEqual(data['katib-db'], { ...given, path: 'charmed/katib-db' });
  });

  it('hand a granted secret to a requirer that asks for one', async () => {
    const state = unitWith([relations.s3(databags.track2), relations.kfpDb(databags.mysql84)]);
    const { 'kfp-db': data } = await after(state, 'kfp-db-relation-changed');
    const secret = state.secrets.find(({ owner }) => owner === 'ckf-backup');
    assert.deepEqual(data, {
      bucket: 'ckf-backups',
      endpoint: 'https://s3.example.com',
      path: 'kubeflow/kfp-db',
      version: '1',
      'lib-version': '1.0',
      'secret-extra': `secret:${secret?.id ?? ''}`,
    });
    assert.deepEqual(secret?.revisions, [{ 'access-key': 'AKIATRACK2', 'secret-key': secretKey }]);
    assert.deepEqual(secret.grants, ['kfp-db']);
  });

  it('follow a rotation of our own secret, and make no revision when nothing changed', async () => {
    const state = unitWith([relations.s3(databags.track2), relations.kfpDb(databags.mysql84)]);
    await after(state, 'kfp-db-relation-changed', 'update-status');
    const rotated = { 'access-key': 'AKIATRACK2', 'secret-key': 'rotated-key' };
    state.secrets.find(({ id }) => id === s3Secret)?.revisions.push(rotated);
    await after(state, 'secret-changed');
    const secret = state.secrets.find(({ owner }) => owner === 'ckf-backup');
    assert.deepEqual(secret?.revisions.slice(1), [rotated]);
  });

  it('get nothing before we have credentials, nor before the requirer has said what it understands', async () => {
    const incomplete = unitWith([relations.s3({ bucket: 'b' }), relations.kfpDb()]);
    assert.deepEqual((await after(incomplete, 'config-changed'))['kfp-db'], {});
    const silent = unitWith([relations.s3(), relations.kfpDb({})]);
    assert.deepEqual((await after(silent, 'config-changed'))['kfp-db'], {});
  });

  it('lose what we gave when our S3 goes away', async () => {
    const state = unitWith([relations.s3(databags.track2), relations.kfpDb(databags.mysql84)]);
    const data = await after(state, 'kfp-db-relation-changed', {
      hook: 's3-credentials-relation-broken',
      relation: 4,
    });
    assert.deepEqual(data['kfp-db'], {});
    assert.deepEqual(
      state.secrets.filter(({ owner }) => owner === 'ckf-backup'),
      [],
    );
  });

  it('keep what we gave while a new secret of ours cannot be read yet', async () => {
    const state = unitWith([relations.s3(), relations.kfpDb()]);
    const before = await after(state, 'config-changed');
    state.relations[0]!.remoteApplicationData = {
      ...databags.track2,
      'secret-extra': 'secret:d3n8r2e5kg0c73fhvzzz',
    };
    assert.deepEqual((await after(state, 'update-status'))['kfp-db'], before['kfp-db']);
  });

  it('take their secret away with their last hook', async () => {
    const state = unitWith([relations.s3(databags.track2), relations.kfpDb(databags.mysql84)]);
    await after(state, 'update-status', { hook: 'kfp-db-relation-broken', relation: 7 });
    assert.deepEqual(
      state.secrets.filter(({ owner }) => owner === 'ckf-backup'),
      [],
    );
  });

  it('keep the path that a restore moved a database to', async () => {
    const state = unitWith([relations.s3(), relations.kfpDb()]);
    state.relations[1]!.localApplicationData = { path: 'charmed/kfp-db-3' };
    assert.equal((await after(state, 'update-status'))['kfp-db']?.['path'], 'charmed/kfp-db-3');
  });

  it('are written by the leader only, and nothing of what another leader wrote is lost', async () => {
    const state = unitWith([relations.s3(), relations.kfpDb()], { leader: false });
    assert.deepEqual((await after(state, 'update-status'))['kfp-db'], {});
    state.leader = true;
    const data = await after(state, 'leader-elected');
    assert.equal(data['kfp-db']?.['path'], 'charmed/kfp-db');
  });
});
