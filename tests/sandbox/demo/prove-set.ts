import { parseManifest } from '../../../src/repository/stored-manifest.ts';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync } from 'node:zlib';
import { type BackupManifest } from '../../../src/repository/manifest.ts';
import { type Bucket, openBucket } from '../box/bucket.ts';
import type { Box } from '../box.ts';
import { rowsOf } from '../mysql/data-file.ts';
import type { Check } from './checks.ts';
import { restoreDump, rowCounts } from './restore-dump.ts';

/**
 * What proves a set, from what lies in the bucket alone; nothing is taken from the charm's own
 * word.
 */
export const proofsOf = (
  box: Box,
  id: string,
  scalesBefore: Readonly<Record<string, number>>,
): readonly Check[] => {
  const manifest = async (): Promise<BackupManifest> => {
    using target = openBucket(box.stores.backups);
    const key = `${box.prefix}/sets/${id}/manifest.json`;
    return parseManifest((await target.read(key)).toString(), key);
  };
  return [
    {
      claim: 'the manifest is there and validates against its schema',
      prove: async () => (await manifest()).components.join(', '),
    },
    {
      claim: 'the dump of ML Metadata restores to the row counts of the manifest',
      prove: async () => proveDump(box, await manifest()),
    },
    {
      claim: 'every object of the source is in the target, byte for byte',
      prove: async () => proveMirror(box),
    },
    {
      claim: 'the object list of the set names every object of the source',
      prove: async () => proveList(box, await manifest()),
    },
    ...(['kfp-db', 'katib-db'] as const).map((component): Check => ({
      claim: `the backup of ${component} holds its rows`,
      prove: async () => proveDatabase(box, await manifest(), component),
    })),
    {
      claim: 'every scale is as before',
      prove: () => {
        assert.deepEqual(box.scales(), scalesBefore);
        const { 'kfp-db': kfp, 'katib-db': katib, 'kfp-metadata-writer': writer } = box.scales();
        return `kfp-db ${kfp}, katib-db ${katib}, kfp-metadata-writer ${writer}`;
      },
    },
  ];
};

const proveDump = async (box: Box, { mlmd }: BackupManifest): Promise<string> => {
  assert.ok(mlmd, 'the manifest has no dump');
  using target = openBucket(box.stores.backups);
  const directory = mkdtempSync(join(tmpdir(), 'dump-'));
  try {
    const dump = join(directory, 'mlmd.dump.gz');
    writeFileSync(dump, await target.read(mlmd.key));
    const { program, rows } = restoreDump(dump, join(directory, 'mlmd.db'));
    assert.deepEqual(rows, mlmd.rows);
    using live = new DatabaseSync(box.mlmd.file, { readOnly: true, timeout: 5000 });
    const restored = sum(Object.values(rows));
    const written = sum(Object.values(rowCounts(live))) - restored;
    assert.ok(written > 0, 'nobody wrote to the database while it was backed up');
    return `zcat | ${program} gives ${restored.toLocaleString('en')} rows in ${Object.keys(rows).length} tables; ${written} more were written since`;
  } finally {
    rmSync(directory, { recursive: true });
  }
};

const proveMirror = async (box: Box): Promise<string> => {
  using source = openBucket(box.stores.source);
  using target = openBucket(box.stores.backups);
  const objects = [...(await source.list())];
  const bytes = sum(objects.map(({ size }) => size));
  const total = objects.length;
  const compare = async (): Promise<void> => {
    for (let next = objects.pop(); next !== undefined; next = objects.pop())
      await sameBytes(
        source,
        target,
        next.key,
        `${box.prefix}/${box.stores.source.bucket}/${next.key}`,
      );
  };
  await Promise.all(Array.from({ length: 8 }, compare));
  return `${total.toLocaleString('en')} objects, ${bytes.toLocaleString('en')} bytes`;
};

const sameBytes = async (
  source: Bucket,
  target: Bucket,
  key: string,
  copy: string,
): Promise<void> => {
  const [original, mirrored] = await Promise.all([source.sha256(key), target.sha256(copy)]);
  assert.equal(mirrored, original, `${copy} differs from ${key}`);
};

const proveList = async (box: Box, { buckets }: BackupManifest): Promise<string> => {
  using source = openBucket(box.stores.source);
  using target = openBucket(box.stores.backups);
  const [bucket] = buckets;
  assert.ok(bucket, 'the manifest has no bucket');
  const lines = gunzipSync(await target.read(bucket.list.key))
    .toString()
    .trimEnd()
    .split('\n');
  const listed = new Set(lines.map((line) => keyOf(JSON.parse(line))));
  const missing = (await source.list()).filter(({ key }) => !listed.has(key));
  assert.deepEqual(missing, []);
  assert.equal(lines.length, bucket.objects);
  return `${lines.length.toLocaleString('en')} lines`;
};

const keyOf = (line: unknown): string => {
  assert.ok(typeof line === 'object' && line !== null && 'key' in line);
  return String(line.key);
};

/** mysql-k8s' chunks, one after the other, are the data again. */
const proveDatabase = async (
  box: Box,
  { databases }: BackupManifest,
  component: 'kfp-db' | 'katib-db',
): Promise<string> => {
  const backup = databases.find((candidate) => candidate.component === component);
  assert.ok(backup?.path, `the manifest does not say where the backup of ${component} is`);
  using target = openBucket(box.stores.backups);
  const chunks: Buffer[] = [];
  for (const { key } of await target.list(`${backup.path}/${backup.backupId}/`))
    chunks.push(await target.read(key));
  const directory = mkdtempSync(join(tmpdir(), 'database-'));
  try {
    const file = join(directory, 'data.sqlite');
    writeFileSync(file, Buffer.concat(chunks));
    const rows = rowsOf(file);
    assert.deepEqual(rows, rowsOf(box.databases[component].dataFile));
    const count = sum(Object.values(rows).map((table) => table.length));
    return `${backup.backupId}, made on ${backup.unit}, has all ${count.toLocaleString('en')} rows`;
  } finally {
    rmSync(directory, { recursive: true });
  }
};

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
