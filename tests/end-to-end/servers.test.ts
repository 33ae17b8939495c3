import assert from 'node:assert/strict';
import { contentsOf, destroy } from '../rigs/box-contents.ts';
import type { ActionRun } from '../sandbox/box/actions.ts';
import { openBucket } from '../sandbox/box/bucket.ts';
import type { Box } from '../sandbox/box.ts';
import { proofsOf } from '../sandbox/demo/prove-set.ts';
import { s3Places, type S3Place } from '../servers/s3/places.ts';
import { testUser } from '../servers/s3/server.ts';
import { copyOfBox } from '../rigs/copy-of-box.ts';
import { assertNothingRuns } from './expect-failure.ts';

/** Points s3-integrator of a box to another server. */
const moveTo = async (box: Box, place: S3Place): Promise<Box> => {
  await place.createBucket('ckf-backups');
  const backups = { ...testUser, endpoint: place.url, bucket: 'ckf-backups' };
  box.neighbours.s3Integrator = { ...box.neighbours.s3Integrator, ...backups };
  await box.settle();
  return { ...box, stores: { ...box.stores, backups } };
};

const completed = async (
  box: Box,
  action: string,
  parameters: Readonly<Record<string, unknown>> = {},
): Promise<ActionRun> => {
  const run = await box.run(action, parameters);
  assert.equal(run.status, 'completed', `${action}: ${run.message}`);
  return run;
};

const backUp = async (box: Box): Promise<string> =>
  String((await completed(box, 'backup-control-plane')).results['backup-id']);

const keysIn = async (box: Box): Promise<readonly string[]> => {
  using bucket = openBucket(box.stores.backups);
  return (await bucket.list()).map(({ key }) => key);
};

for (const server of s3Places)
  describe(`the life of backup sets on ${server.name}`, () => {
    it('goes from the first backup by restores of both sets to their deletion', async () => {
      await using place = await server.start();
      await using resting = await copyOfBox({ databaseUnits: 3 });
      const box = await moveTo(resting, place);
      const scales = box.scales();

      const first = await backUp(box);
      for (const { claim, prove } of proofsOf(box, first, scales)) assert.ok(await prove(), claim);
      await box.mlmd.stopWriting();
      const { minio, source } = box.stores;
      minio.contents.put(source.bucket, { key: 'pipelines/6d3a1f0e', content: 'kind: Changed\n' });
      minio.contents.remove(source.bucket, 'v2/artifacts/a b/empty');
      const contents = contentsOf(box);
      const second = await backUp(box);

      const listed = await completed(box, 'list-backups', { format: 'json' });
      assert.match(String(listed.results['backups']), new RegExp(`${second}.*${first}`, 's'));
      for (const id of [first, second])
        await completed(box, 'verify-backup', { 'backup-id': id, deep: true });

      destroy(box);
      const parameters = { confirm: 'kubeflow', 'delete-extra': true };
      await completed(box, 'restore-control-plane', { ...parameters, 'backup-id': first });
      assert.notDeepEqual(contentsOf(box), contents);
      await completed(box, 'restore-control-plane', { ...parameters, 'backup-id': second });
      assert.deepEqual(contentsOf(box), contents);
      assert.deepEqual(box.scales(), scales);

      await completed(box, 'delete-backup', { 'backup-id': first });
      assert.deepEqual(
        (await keysIn(box)).filter((key) => key.includes('/history/') || key.includes(first)),
        [],
      );
      await completed(box, 'verify-backup', { 'backup-id': second, deep: true });
      const third = await backUp(box);
      await box.configure({ 'keep-last': 1 });
      await completed(box, 'prune');
      assert.ok(!(await keysIn(box)).some((key) => key.includes(second)));
      await completed(box, 'verify-backup', { 'backup-id': third, deep: true });
      assertNothingRuns(box);
    });
  });
