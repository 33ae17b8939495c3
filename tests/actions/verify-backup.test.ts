import assert from 'node:assert/strict';
import { verifyBackup } from '../../src/actions/verify-backup.ts';
import type { BackupId } from '../../src/repository/layout.ts';
import { CharmError } from '../../src/errors.ts';
import { aConfig } from '../rigs/config.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { createVault, layout, type Vault } from '../rigs/vault.ts';

const config = aConfig();

describe('verify-backup', () => {
  let vault: Vault;
  let id: BackupId;
  beforeEach(async () => {
    vault = await createVault();
    for (let index = 0; index < 12; index += 1)
      vault.source.seed(`pipelines/${index}`, 'a pipeline');
    id = await vault.backUp();
    await vault.journal.setLastBackup({ id, bytes: 1, consistent: true });
  });
  afterEach(() => vault[Symbol.asyncDispose]());

  it('says that a set is intact, and how much was looked at', async () => {
    assert.deepEqual(await verifyBackup(vault.world, config, { 'backup-id': id, deep: false }), {
      'backup-id': id,
      result: 'intact',
      deep: 'false',
      objects: '23',
    });
  });

  it('says how much was read and proven in a deep verification', async () => {
    const results = await verifyBackup(vault.world, config, { 'backup-id': id, deep: true });
    assert.equal(results['proven'], '23');
    assert.equal(results['unproven'], '0');
    assert.match(results['read'] ?? '', /^\d+ B$/);
  });

  it('fails with the first damage and their number, and has the first ten in its results', async () => {
    for (let index = 0; index < 12; index += 1)
      vault.store.bucket.remove(`${layout.mirror('mlpipeline')}pipelines/${index}`);
    const { message, results } = await rejectsWithCode(
      verifyBackup(vault.world, config, { 'backup-id': id }),
      'set-damaged',
    );
    const { problems, ...figures } = results;
    assert.deepEqual(figures, {
      'backup-id': id,
      result: 'damaged',
      deep: 'false',
      objects: '23',
      missing: '12',
      damaged: '0',
    });
    assert.match(problems ?? '', /^mlpipeline: "pipelines\/0" is missing\n/);
    assert.equal(problems?.split('\n').length, 10);
    assert.match(
      message,
      /is damaged in 12 places \(the action's log has them\): mlpipeline: "pipelines\/0" is missing/,
    );
  });

  it('remembers for the status what it found of the last backup', async () => {
    await verifyBackup(vault.world, config, { 'backup-id': id });
    assert.equal((await vault.journal.lastBackup())?.verified, 'intact');
    vault.store.bucket.remove(layout.mlmdDump(id));
    await rejectsWithCode(verifyBackup(vault.world, config, { 'backup-id': id }), 'set-damaged');
    assert.equal((await vault.journal.lastBackup())?.verified, 'damaged');
  });

  it('remembers it also when another unit made the backup, as S3 tells', async () => {
    await vault.journal.setLastBackup({
      ...{ id: '2020-01-01T00:00:00Z', bytes: 1, consistent: true },
      verified: 'damaged',
    });
    await verifyBackup(vault.world, config, { 'backup-id': id });
    const last = await vault.journal.lastBackup();
    assert.deepEqual([last?.id, last?.verified], [id, 'intact']);
  });

  it('remembers nothing of a set that is not the newest', async () => {
    const newer = { id: '2099-01-01T00:00:00Z', bytes: 1, consistent: true };
    await vault.journal.setLastBackup(newer);
    await vault.store.put(layout.manifest(newer.id as BackupId), 'of a newer revision');
    await verifyBackup(vault.world, config, { 'backup-id': id });
    assert.deepEqual(await vault.journal.lastBackup(), newer);
  });

  it('tells the result although the journal is away', async () => {
    vault.journal.lastBackup = async () => {
      throw new CharmError('journal-unavailable', 'not attached');
    };
    const results = await verifyBackup(vault.world, config, { 'backup-id': id });
    assert.equal(results['result'], 'intact');
  });

  it('refuses what is not an id', async () => {
    await rejectsWithCode(verifyBackup(vault.world, config, {}), 'parameter-invalid');
  });
});
