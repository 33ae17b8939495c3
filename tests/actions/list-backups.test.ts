import assert from 'node:assert/strict';
import { listBackups } from '../../src/actions/list-backups.ts';
import type { BackupId } from '../../src/repository/layout.ts';
import { keepProof } from '../../src/repository/proofs.ts';
import { aConfig } from '../rigs/config.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { createVault, layout, type Vault } from '../rigs/vault.ts';

const config = aConfig();

describe('list-backups', () => {
  let vault: Vault;
  beforeEach(async () => {
    vault = await createVault();
    vault.source.seed('pipelines/1', 'a pipeline');
  });
  afterEach(() => vault[Symbol.asyncDispose]());

  it('says that there are no backups yet', async () => {
    const results = await listBackups(vault.world, config, { limit: 20, format: 'table' });
    assert.deepEqual(results, {
      backups: 'There are no backups.',
      location: 's3://backups/ckf',
      assurance: 'There is no set that could be restored',
    });
  });

  it('shows id, consistency, size, age and components of each set, newest first', async () => {
    await vault.backUp({ consistent: false });
    await vault.backUp();
    vault.pass(3 * 86_400);
    const { backups } = await listBackups(vault.world, config, { limit: 20, format: 'table' });
    const rows = backups?.split('\n').map((line) => line.split(/ {2,}/));
    assert.deepEqual(rows?.[0], ['BACKUP-ID', 'CONSISTENT', 'SIZE', 'AGE', 'PROVEN', 'COMPONENTS']);
    assert.deepEqual(
      rows.slice(1).map(([id, consistent, , age]) => [id, consistent, age]),
      [
        ['2026-11-01T02:01:00Z', 'yes', '3d'],
        ['2026-11-01T01:00:00Z', 'no', '3d'],
      ],
    );
    const mlmd = vault.manifest('2026-11-01T02:01:00Z' as BackupId).mlmd?.size ?? 0;
    assert.equal(rows[1]?.[2], `${mlmd + 103 + 105 + 10} B`);
    assert.equal(rows[1][5], `kfp-db 103 B, katib-db 105 B, mlmd ${mlmd} B, mlpipeline 10 B`);
  });

  it('tells where a database with an S3 storage of its own backs up to, or that nobody knows', async () => {
    const id = await vault.backUp();
    const { databases, ...manifest } = vault.manifest(id);
    const location = { endpoint: 'https://s3.example.com', bucket: 'own', path: 'a' };
    const own = databases.map(({ path: _path, size: _size, ...database }, index) => ({
      ...database,
      ...(index === 0 && { location }),
    }));
    vault.store.seed(layout.manifest(id), JSON.stringify({ ...manifest, databases: own }));
    const { backups } = await listBackups(vault.world, config, { limit: 20 });
    assert.match(
      backups ?? '',
      /kfp-db \(s3:\/\/own\/a at https:\/\/s3\.example\.com\), katib-db \(location unknown\), mlmd/,
    );
    const json = await listBackups(vault.world, config, { limit: 20, format: 'json' });
    const [set] = JSON.parse(json['backups'] ?? '') as { locations?: unknown }[];
    assert.deepEqual(set?.locations, {
      'kfp-db': 's3://own/a at https://s3.example.com',
      'katib-db': 'location unknown',
    });
  });

  it('marks a set that was found damaged, and says how the others were proven', async () => {
    const [read, damaged] = [await vault.backUp(), await vault.backUp()];
    const never = await vault.backUp();
    const at = vault.world.clock.now().toISOString();
    const target = await vault.world.openTarget();
    await keepProof(target, read, { kind: 'deep', at, intact: true, seconds: 1, bytes: 1 });
    await keepProof(target, read, { kind: 'verify', at, intact: true, seconds: 1, bytes: 0 });
    await keepProof(target, damaged, { kind: 'verify', at, intact: false, seconds: 1, bytes: 0 });
    vault.pass(2 * 86_400);
    const { backups } = await listBackups(vault.world, config, { limit: 20 });
    const proven = backups?.split('\n').map((line) => line.split(/ {2,}/).at(4));
    assert.deepEqual(proven, ['PROVEN', 'never', 'DAMAGED, seen 2d ago', 'read as a whole 2d ago']);
    const json = await listBackups(vault.world, config, { limit: 20, format: 'json' });
    const sets = JSON.parse(json['backups'] ?? '') as { id: string; proven?: unknown }[];
    assert.deepEqual(
      sets.map(({ id, proven: by }) => [id, by]),
      [
        [never, undefined],
        [damaged, { by: 'verify', at, intact: false }],
        [read, { by: 'deep', at, intact: true }],
      ],
    );
  });

  it('prints a link of a day to the page of each set that has one, when it is asked to', async () => {
    const [older, newer] = [await vault.backUp(), await vault.backUp()];
    vault.store.bucket.remove(layout.setPage(older));
    vault.store.seed(layout.setPage(newer), 'a page');
    const listed = await listBackups(vault.world, config, { limit: 20, link: true });
    const lines = listed['links']?.split('\n') ?? [];
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? '', new RegExp(`^${newer}  http.*index\\.html.*86400`));
    assert.match(lines[1] ?? '', new RegExp(`^${older}  has no page`));
    const silent = await listBackups(vault.world, config, { limit: 20 });
    assert.equal(silent['links'], undefined);
  });

  it('gives compact JSON to machines', async () => {
    const id = await vault.backUp();
    const { backups } = await listBackups(vault.world, config, { limit: 20, format: 'json' });
    const [set] = JSON.parse(backups ?? '') as Record<string, unknown>[];
    assert.deepEqual(Object.keys(set ?? {}), [
      'id',
      'age',
      'consistent',
      'components',
      'size',
      'sizes',
      'model',
    ]);
    assert.equal(set?.['id'], id);
    assert.equal(set['age'], 60);
    assert.ok(!backups?.includes('\n'));
  });

  it('tells where the next page begins', async () => {
    for (let made = 0; made < 3; made += 1) await vault.backUp();
    const first = await listBackups(vault.world, config, { limit: 2, format: 'table' });
    assert.equal(first['next'], '2026-11-01T02:01:00Z');
    const second = await listBackups(vault.world, config, { limit: 2, before: first['next'] });
    assert.match(second['backups'] ?? '', /^2026-11-01T01:00:00Z/m);
    assert.equal(second['next'], undefined);
  });

  it('shows a damaged manifest, in the table and in the JSON', async () => {
    const id = await vault.backUp();
    vault.store.seed(layout.manifest(id), 'not JSON');
    const table = await listBackups(vault.world, config, { limit: 20 });
    assert.match(table['backups'] ?? '', /unreadable .*is not JSON/);
    const json = await listBackups(vault.world, config, { limit: 20, format: 'json' });
    assert.match(json['backups'] ?? '', /"code":"manifest-invalid"/);
  });

  it('refuses what is not an id', async () => {
    await rejectsWithCode(
      listBackups(vault.world, config, { before: 'yesterday' }),
      'parameter-invalid',
    );
  });
});
