import assert from 'node:assert/strict';
import { deleteBackup } from '../../src/actions/delete-backup.ts';
import { aConfig } from '../rigs/config.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { createVault, layout, type Vault } from '../rigs/vault.ts';
import { intercept } from '../rigs/intercept.ts';

const config = aConfig();

describe('delete-backup', () => {
  let vault: Vault;
  beforeEach(async () => {
    vault = await createVault();
    vault.source.seed('pipelines/1', 'a pipeline');
  });
  afterEach(() => vault[Symbol.asyncDispose]());

  it('removes the set that it is given, with its page', async () => {
    const first = await vault.backUp();
    await vault.backUp();
    vault.store.seed(layout.setPage(first), 'a page');
    const results = await deleteBackup(vault.world, config, { 'backup-id': first });
    assert.equal(results['removed'], first);
    assert.equal(results['kept-sets'], '1');
    for (const key of [layout.manifest(first), layout.setPage(first)])
      assert.equal(vault.store.bucket.find(key), undefined);
  });

  it('only tells what would go in a dry run', async () => {
    const first = await vault.backUp();
    await vault.backUp();
    const results = await deleteBackup(vault.world, config, {
      'backup-id': first,
      'dry-run': true,
    });
    assert.equal(results['removed'], first);
    assert.ok(vault.store.bucket.find(layout.manifest(first)));
  });

  it('finishes a removal that was interrupted, when it is asked again', async () => {
    const first = await vault.backUp();
    await vault.backUp();
    const { store } = vault;
    let deletions = 0;
    const putBack = intercept(store, 'delete', (remove) => async (keys) => {
      deletions += 1;
      if (deletions === 2) throw new Error('killed');
      await remove(keys);
    });
    await assert.rejects(deleteBackup(vault.world, config, { 'backup-id': first }), /killed/);
    putBack();
    await deleteBackup(vault.world, config, { 'backup-id': first });
    assert.deepEqual(
      [...store.objects.keys()].filter((key) => key.includes(first)),
      [],
    );
  });

  it('refuses what is not an id', async () => {
    await rejectsWithCode(deleteBackup(vault.world, config, {}), 'parameter-invalid');
    await rejectsWithCode(
      deleteBackup(vault.world, config, { 'backup-id': '*' }),
      'parameter-invalid',
    );
  });
});
