import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyOfBox } from '../rigs/copy-of-box.ts';
import { assertNothingRuns } from '../end-to-end/expect-failure.ts';
import type { ActionRun } from '../sandbox/box/actions.ts';
import { startBox, type Box } from '../sandbox/box.ts';
import { changeRows } from '../sandbox/mysql/data-file.ts';
import { contentsOf, destroy } from '../rigs/box-contents.ts';

const backUp = async (box: Box): Promise<string> => {
  const run = await box.run('backup-control-plane');
  assert.equal(run.status, 'completed', run.message);
  return String(run.results['backup-id']);
};

const restore = (box: Box, id: string, more: Readonly<Record<string, unknown>> = {}) =>
  box.run('restore-control-plane', { 'backup-id': id, confirm: 'kubeflow', ...more });

const assertCompleted = ({ status, message }: ActionRun): void => {
  assert.equal(status, 'completed', message);
};

/** What Kubeflow does between two backups. */
const workOn = ({ stores: { minio, source }, databases }: Box): void => {
  const { contents } = minio;
  contents.put(source.bucket, { key: 'pipelines/6d3a1f0e', content: 'kind: Changed\n' });
  contents.remove(source.bucket, 'v2/artifacts/a b/empty');
  contents.put(source.bucket, { key: 'v2/artifacts/new', content: 'made later' });
  changeRows(databases['kfp-db'].dataFile, "INSERT INTO pipelines VALUES ('later', 'later', 1)");
};

const statusOf = (box: Box, application: string): string | undefined =>
  box.model.application(application).status?.status;

describe('a restore on the box', () => {
  it('brings everything back, from the newest set and then from an older one', async () => {
    await using box = await copyOfBox({ databaseUnits: 3 });
    await box.mlmd.stopWriting();
    const scales = box.scales();
    const first = { contents: contentsOf(box), id: await backUp(box) };
    workOn(box);
    const second = { contents: contentsOf(box), id: await backUp(box) };
    destroy(box);

    const destroyed = contentsOf(box);
    const dryRun = await box.run('restore-control-plane', {
      'backup-id': second.id,
      'dry-run': true,
    });
    assertCompleted(dryRun);
    assert.match(String(dryRun.results['plan']), /would be brought back/);
    assert.deepEqual(contentsOf(box), destroyed);
    assert.deepEqual(box.scales(), scales);

    const newest = await restore(box, second.id);
    assertCompleted(newest);
    assert.deepEqual(contentsOf(box), second.contents);
    assert.equal(newest.results['kfp-db-path'], 'kubeflow/kfp-db-2');
    assert.equal(statusOf(box, 'kfp-db'), 'active');

    // The older backup lies under the path that the databases had then, so it is copied to the one
    // that they have now.
    const older = await restore(box, first.id, { 'delete-extra': true });
    assertCompleted(older);
    assert.deepEqual(contentsOf(box), first.contents);
    assert.equal(older.results['kfp-db-path'], 'kubeflow/kfp-db-3');
    assert.equal(statusOf(box, 'kfp-db'), 'active');
    const copies = box.stores.target.contents.keys('ckf-backups', 'kubeflow/kfp-db-2/2026');
    assert.deepEqual(copies, []);

    assert.deepEqual(box.scales(), scales);
    assertNothingRuns(box);
    await backUp(box);
  });

  it('brings a set back in a fresh model that is given the old path, and takes the path over', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'fresh-model-'));
    await using cleanUp = new AsyncDisposableStack();
    cleanUp.defer(() => {
      rmSync(directory, { recursive: true });
    });
    const old = join(directory, 'old');
    const fresh = join(directory, 'fresh');
    const made = await (async () => {
      await using box = await startBox({ directory: old, small: true, pace: 20 });
      await box.mlmd.stopWriting();
      return { contents: contentsOf(box), id: await backUp(box) };
    })();
    cpSync(join(old, 's3'), join(fresh, 's3'), { recursive: true });
    await using box = await startBox({ directory: fresh, small: true, pace: 20 });
    await box.mlmd.stopWriting();
    destroy(box);

    const refused = await restore(box, made.id);
    assert.equal(refused.status, 'failed');
    assert.match(refused.message, /was made by the model kubeflow .* from-model=kubeflow/);
    assertCompleted(await restore(box, made.id, { 'from-model': 'kubeflow', 'take-over': true }));

    assert.deepEqual(contentsOf(box), made.contents);
    assert.equal(statusOf(box, 'kfp-db'), 'active');
    assert.equal(statusOf(box, 'katib-db'), 'active');
    await backUp(box);
  });
});
