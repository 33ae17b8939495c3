import assert from 'node:assert/strict';
import type { ErrorCode } from '../../src/errors.ts';
import { contentsOf, destroy, objectsOf } from '../rigs/box-contents.ts';
import type { ActionRun } from '../sandbox/box/actions.ts';
import type { Box } from '../sandbox/box.ts';
import { copyOfBox } from '../rigs/copy-of-box.ts';
import { assertNothingRuns } from './expect-failure.ts';
import { assertNoSecrets } from './no-secrets.ts';

/** Runs an action, and checks what every action promises, whether it succeeds or not. */
const see = async (
  box: Box,
  action: string,
  parameters: Readonly<Record<string, unknown>> = {},
  refusal?: ErrorCode,
): Promise<ActionRun> => {
  const scales = box.scales();
  const run = await box.run(action, parameters);
  assert.equal(run.dispatch.exitCode, 0, JSON.stringify([run.results, run.dispatch.logs]));
  assert.equal(run.status, refusal === undefined ? 'completed' : 'failed', run.message);
  for (const [key, value] of Object.entries(run.results)) {
    assert.match(key, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
    // Juju itself adds a number.
    if (key !== 'return-code') assert.equal(typeof value, 'string', key);
  }
  if (refusal !== undefined) {
    assert.match(run.message, new RegExp(`^[^\\n]+ \\[${refusal}\\]$`));
    assert.equal(run.results['error-code'], refusal);
  }
  assert.deepEqual(box.scales(), scales);
  assertNothingRuns(box);
  assertNoSecrets(box, run);
  return run;
};

const storedIn = ({ stores, prefix }: Box): readonly string[] =>
  stores.target.contents.keys(stores.backups.bucket, `${prefix}/`);

/**
 * Four sets: all of it, then twice some of it, and the newest with all of it again. Each of them
 * has what the ones before do not.
 */
describe('the sets of a box', () => {
  let box: Box;
  const ids: string[] = [];
  let contents: Readonly<Record<string, unknown>>;

  const backUp = async (components: string): Promise<void> => {
    await box.configure({ components });
    box.stores.minio.contents.put('mlpipeline', {
      key: 'pipelines/6d3a1f0e',
      content: `version ${ids.length}\n`,
    });
    const { results } = await see(box, 'backup-control-plane');
    ids.push(String(results['backup-id']));
  };
  before(async () => {
    box = await copyOfBox();
    await box.mlmd.stopWriting();
    await backUp('kfp-db,katib-db,mlmd,mlpipeline');
    await backUp('mlmd,mlpipeline');
    await backUp('mlpipeline');
    await backUp('kfp-db,mlmd,mlpipeline');
    contents = contentsOf(box);
  });
  after(() => box[Symbol.asyncDispose]());

  it('are listed for people and for machines, page by page', async () => {
    const { results } = await see(box, 'list-backups');
    const rows = String(results['backups']).split('\n');
    assert.deepEqual(
      rows.slice(1).map((row) => row.split(' ')[0]),
      ids.toReversed(),
    );
    assert.equal(results['location'], 's3://ckf-backups/kubeflow');
    const json = await see(box, 'list-backups', { format: 'json', limit: 2 });
    const sets = JSON.parse(String(json.results['backups'])) as { readonly id: string }[];
    assert.deepEqual(
      sets.map(({ id }) => id),
      ids.slice(2).toReversed(),
    );
    assert.equal(json.results['next'], ids[2]);
    const older = await see(box, 'list-backups', { before: json.results['next'], limit: 1 });
    assert.match(String(older.results['backups']), new RegExp(`\n${ids[1] ?? ''} `));
    await see(box, 'list-backups', { before: 'yesterday' }, 'parameter-invalid');
  });

  it('are verified, and the status tells of the last one', async () => {
    const shallow = await see(box, 'verify-backup', { 'backup-id': ids[0] });
    assert.equal(shallow.results['result'], 'intact');
    const { results } = await see(box, 'verify-backup', { 'backup-id': ids[3], deep: true });
    assert.equal(results['result'], 'intact');
    assert.equal(results['unproven'], '0');
    assert.match(box.unit.agent.state.unitStatus.message, /verified intact \d{4}-\d\d-\d\d$/);
    await see(box, 'verify-backup', { 'backup-id': '2020-01-01T00:00:00Z' }, 'backup-missing');
  });

  it('are not restored without the name of the model, and a dry run changes nothing', async () => {
    const stored = storedIn(box);
    const wrong = { 'backup-id': ids[3], confirm: 'staging' };
    const { message } = await see(box, 'restore-control-plane', wrong, 'parameter-invalid');
    assert.match(message, /confirm=kubeflow/);
    box.stores.minio.contents.remove('mlpipeline', 'pipelines/6d3a1f0e');
    const { results } = await see(box, 'restore-control-plane', {
      'backup-id': ids[3],
      'dry-run': true,
    });
    assert.match(String(results['plan']), / of which 1 .* would be brought back/);
    assert.equal(results['dry-run'], 'true');
    assert.equal(box.stores.minio.contents.object('mlpipeline', 'pipelines/6d3a1f0e'), undefined);
    assert.deepEqual(storedIn(box), stored);
  });

  it('are restored', async () => {
    destroy(box);
    const { results } = await see(box, 'restore-control-plane', {
      'backup-id': ids[3],
      confirm: 'kubeflow',
    });
    assert.equal(results['restored'], 'kfp-db,mlmd,mlpipeline');
    assert.equal(results['kfp-db-path'], 'kubeflow/kfp-db-2');
    assert.match(String(results['next']), /kfp-db writes to kubeflow\/kfp-db-2/);
    const restored = contentsOf(box);
    for (const part of ['objects', 'kfp-db', 'mlmd'])
      assert.deepEqual(restored[part], contents[part], part);
    assert.notDeepEqual(restored['katib-db'], contents['katib-db']);
  });

  it('are told to be damaged, with what was found, and not restored', async () => {
    const { contents: s3 } = box.stores.target;
    const { bucket } = box.stores.backups;
    const key = 'kubeflow/mlpipeline/v2/artifacts/a b/größe+50%/model';
    const content = s3.read(bucket, key);
    s3.remove(bucket, key);
    const before = objectsOf(box);
    const { results, message } = await see(
      box,
      'verify-backup',
      { 'backup-id': ids[3] },
      'set-damaged',
    );
    assert.match(message, /is damaged in 1 place: mlpipeline: ".*model" is missing/);
    const { missing, damaged, result, problems } = results;
    assert.deepEqual(
      { missing, damaged, result },
      { missing: '1', damaged: '0', result: 'damaged' },
    );
    assert.match(String(problems), /model" is missing$/);
    assert.match(
      box.unit.agent.state.unitStatus.message,
      /^The last backup is damaged \[set-damaged\]: juju run /,
    );
    const wanted = { 'backup-id': ids[3], confirm: 'kubeflow' };
    await see(box, 'restore-control-plane', wanted, 'set-damaged');
    assert.deepEqual(objectsOf(box), before);
    s3.put(bucket, { key, content });
    await see(box, 'verify-backup', { 'backup-id': ids[3] });
  });

  it('are deleted, but never the newest', async () => {
    await see(box, 'delete-backup', { 'backup-id': ids[3] }, 'backup-protected');
    const stored = storedIn(box);
    const dry = await see(box, 'delete-backup', { 'backup-id': ids[1], 'dry-run': true });
    assert.deepEqual(storedIn(box), stored);
    const { results } = await see(box, 'delete-backup', { 'backup-id': ids[1] });
    assert.equal(results['removed'], ids[1]);
    assert.deepEqual({ ...results, 'dry-run': 'true' }, dry.results);
    assert.ok(storedIn(box).every((key) => !key.includes(ids[1] ?? '')));
    await see(box, 'delete-backup', { 'backup-id': ids[1] }, 'backup-missing');
  });

  it('are pruned as the options say, but never while a manifest cannot be read', async () => {
    await box.configure({ 'keep-last': 1 });
    const { contents: s3 } = box.stores.target;
    const { bucket } = box.stores.backups;
    const manifest = `kubeflow/sets/${ids[2] ?? ''}/manifest.json`;
    const content = s3.read(bucket, manifest);
    s3.put(bucket, { key: manifest, content: '{}' });
    const listed = await see(box, 'list-backups');
    assert.match(String(listed.results['backups']), new RegExp(`${ids[2] ?? ''}  unreadable`));
    const stored = storedIn(box);
    await see(box, 'prune', {}, 'manifest-invalid');
    s3.put(bucket, { key: manifest, content });
    const dry = await see(box, 'prune', { 'dry-run': true });
    // The first set stays as well as the newest, because no other has katib-db.
    assert.equal(dry.results['removed-sets'], '1');
    assert.deepEqual(storedIn(box), stored);
    const { results } = await see(box, 'prune');
    assert.equal(results['removed-sets'], '1');
    assert.equal(results['kept-sets'], '2');
    await see(box, 'verify-backup', { 'backup-id': ids[3], deep: true });
  });
});
