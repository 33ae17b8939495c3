import assert from 'node:assert/strict';
import { prune } from '../../src/actions/prune.ts';
import { aConfig } from '../rigs/config.ts';
import { createVault, type Vault } from '../rigs/vault.ts';

const config = aConfig({ keep: { last: 1, daily: 0, weekly: 0, monthly: 0 } });

describe('prune', () => {
  let vault: Vault;
  beforeEach(async () => {
    vault = await createVault();
    vault.source.seed('pipelines/1', 'a pipeline');
    await vault.backUp();
    await vault.backUp();
  });
  afterEach(() => vault[Symbol.asyncDispose]());

  it('says which sets it removed, and how much that was', async () => {
    const { bytes, size, ...results } = await prune(vault.world, config, { 'dry-run': false });
    assert.deepEqual(results, {
      'dry-run': 'false',
      removed: '2026-11-01T01:00:00Z',
      'removed-sets': '1',
      'kept-sets': '1',
      objects: '13',
      binlogs: '2 objects, 8 B',
    });
    assert.ok(Number(bytes) > 1024);
    assert.match(size ?? '', /KiB$/);
  });

  it('counts the binary logs of databases, also where they do not write any more, and removes none', async () => {
    vault.store.seed('ckf/kfp-db-2/binlogs/binlog.000007', 'more rows');
    vault.store.seed('ckf/kfp-db-of-somebody/binlogs/1', 'not ours');
    const { model } = vault.world;
    const claim = { format: 1, model, generations: { 'kfp-db': 2 } };
    vault.store.seed('ckf/ckf-backup.json', JSON.stringify(claim));
    const results = await prune(vault.world, config, { 'dry-run': false });
    assert.equal(results['binlogs'], '2 objects, 13 B');
    assert.equal(results['former-binlogs'], '1 object, 4 B');
    assert.equal(
      [...vault.store.objects.keys()].filter((key) => key.includes('/binlogs/')).length,
      4,
    );
  });

  it('removes nothing in a dry run', async () => {
    const before = vault.store.objects;
    const results = await prune(vault.world, config, { 'dry-run': true });
    assert.equal(results['dry-run'], 'true');
    assert.equal(results['removed-sets'], '1');
    assert.deepEqual(vault.store.objects, before);
  });

  it('says that there was nothing to remove', async () => {
    const results = await prune(vault.world, aConfig(), { 'dry-run': false });
    assert.equal(results['removed'], 'none');
    assert.equal(results['objects'], '0');
  });
});
