import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { Box } from '../sandbox/box.ts';
import { rowsOf } from '../sandbox/mysql/data-file.ts';

/** Everything that a restore has to bring back, as text that can be compared. */
export const contentsOf = (box: Box): Readonly<Record<string, unknown>> => ({
  objects: objectsOf(box),
  'kfp-db': rowsOf(box.databases['kfp-db'].dataFile),
  'katib-db': rowsOf(box.databases['katib-db'].dataFile),
  mlmd: tablesOf(box.mlmd.file),
});

/** Byte for byte: the content of every object, its ETag, and what else belongs to it. */
export const objectsOf = ({ stores: { minio, source } }: Box): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    minio.contents.objects(source.bucket).map(({ key, etag, headers, tags }) => [
      key,
      {
        etag,
        headers,
        tags,
        sha256: createHash('sha256').update(minio.contents.read(source.bucket, key)).digest('hex'),
      },
    ]),
  );

/** Row for row. */
export const tablesOf = (file: string): Readonly<Record<string, unknown>> => {
  using database = new DatabaseSync(file, { timeout: 5000 });
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  return Object.fromEntries(
    tables.map(({ name }) => {
      const hash = createHash('sha256');
      for (const row of database
        .prepare(`SELECT * FROM "${String(name)}" ORDER BY rowid`)
        .iterate())
        hash.update(JSON.stringify(row));
      return [String(name), hash.digest('hex')];
    }),
  );
};

/** What an operator fears: rows deleted, tables dropped, objects deleted and overwritten. */
export const destroy = (box: Box): void => {
  for (const { dataFile } of Object.values(box.databases)) {
    using data = new DatabaseSync(dataFile);
    const [table] = data.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    data.exec(`DROP TABLE "${String(table?.['name'])}"`);
  }
  using mlmd = new DatabaseSync(box.mlmd.file);
  mlmd.exec('DROP TABLE Event; DELETE FROM Artifact WHERE id % 3 = 0');
  const { minio, source } = box.stores;
  minio.contents.keys(source.bucket).forEach((key, index) => {
    if (index % 3 === 0) minio.contents.remove(source.bucket, key);
    if (index % 3 === 1) minio.contents.put(source.bucket, { key, content: 'overwritten' });
  });
};
