import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Box } from '../sandbox/box.ts';
import { claimPath } from '../sandbox/mysql/claim.ts';
import { copyOfBox } from '../rigs/copy-of-box.ts';
import { expectFailure } from './expect-failure.ts';

const blockedBy = (box: Box): string | undefined => box.model.application('kfp-db').status?.message;

const backUp = async (box: Box) => {
  const run = await box.run('backup-control-plane');
  assert.equal(run.status, 'completed', run.message);
  const key = `${box.prefix}/sets/${String(run.results['backup-id'])}/manifest.json`;
  const manifest = JSON.parse(
    box.stores.target.contents.read(box.stores.backups.bucket, key).toString(),
  ) as { readonly databases: readonly { readonly path: string }[] };
  return { id: String(run.results['backup-id']), path: manifest.databases[0]?.path };
};

describe('a database that was told a path at which it cannot write', () => {
  it('is told the right one by a charm that was deployed again, and backed up there the next time', async () => {
    await using box = await copyOfBox();
    await box.configure({ components: 'kfp-db' });
    const { id } = await backUp(box);
    const wanted = { 'backup-id': id, confirm: 'kubeflow' };
    assert.equal((await box.run('restore-control-plane', wanted)).status, 'completed');

    await box.disintegrate('kfp-db');
    const journal = box.unit.agent.state.storage['journal']?.[0]?.location ?? '';
    rmSync(join(journal, 'database-paths.json'));
    await box.integrate('kfp-db');
    assert.equal(blockedBy(box), 'S3 repository claimed by another cluster');

    const { message } = await expectFailure(box, 'database-path-moved');
    assert.match(message, /kfp-db to kubeflow\/kfp-db-2/);
    assert.equal(blockedBy(box), '');
    assert.equal((await backUp(box)).path, 'kubeflow/kfp-db-2');
  });

  it('moves on when it was itself deployed again', async () => {
    await using box = await copyOfBox();
    await box.configure({ components: 'kfp-db' });
    await backUp(box);
    const { cluster } = box.databases['kfp-db'];
    cluster.groupId = 'the group of a new cluster';
    await claimPath(box.databases['kfp-db']);
    assert.equal(blockedBy(box), 'S3 repository claimed by another cluster');

    await expectFailure(box, 'database-path-moved');
    assert.equal((await backUp(box)).path, 'kubeflow/kfp-db-2');
  });
});
