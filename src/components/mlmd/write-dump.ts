import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as breathe } from 'node:timers/promises';
import { type DatabaseContent, schemaVersionOf } from './inspect-database.ts';
import { quoteName, storedColumns, tableDigest, tableRows } from './table-rows.ts';

/**
 * The SQL text of a database in pieces, as the program sqlite3 would give it with `.dump`, so that
 * it restores by hand with that alone; returns what it wrote. dump-statements.ts reads it. Throws
 * for virtual tables, which are not made of rows alone.
 */
export async function* writeDump(
  database: DatabaseSync,
): AsyncGenerator<string, DatabaseContent, undefined> {
  const rows: [string, number][] = [];
  const digests: [string, string][] = [];
  yield 'PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n';
  const tables = definitions(database, "type = 'table'", 'rowid');
  for (const { name, sql } of tables) {
    if (name.startsWith('sqlite_')) continue;
    if (/^create\s+virtual/i.test(sql))
      throw new Error(`the table ${name} is virtual, which a dump does not support`);
    yield `${sql};\n`;
    const written = yield* writeRows(database, name);
    rows.push([name, written.rows]);
    digests.push([name, written.digest]);
  }
  if (tables.some(({ name }) => name === 'sqlite_sequence')) {
    yield 'DELETE FROM sqlite_sequence;\n';
    yield* writeRows(database, 'sqlite_sequence');
  }
  const others = "type IN ('index', 'trigger', 'view')";
  for (const { sql } of definitions(database, others, "type = 'trigger', rowid")) yield `${sql};\n`;
  yield 'COMMIT;\n';
  return {
    schemaVersion: schemaVersionOf(database),
    rows: Object.fromEntries(rows),
    digests: Object.fromEntries(digests),
  };
}

async function* writeRows(
  database: DatabaseSync,
  table: string,
): AsyncGenerator<string, { readonly rows: number; readonly digest: string }, undefined> {
  const { names, isAll } = storedColumns(database, table);
  const digest = tableDigest(names);
  const insert = `INSERT INTO ${quoteName(table)}${isAll ? '' : `(${names.join(',')})`} VALUES(`;
  let count = 0;
  for (const rows of tableRows(database, table)) {
    digest.update(rows);
    count += rows.length;
    yield rows.map((row) => `${insert}${row});\n`).join('');
    await breathe();
  }
  return { rows: count, digest: digest.hex() };
}

const definitions = (
  database: DatabaseSync,
  where: string,
  order: string,
): readonly { readonly name: string; readonly sql: string }[] =>
  database
    .prepare(
      `SELECT name, sql FROM sqlite_master WHERE ${where} AND sql NOT NULL ORDER BY ${order}`,
    )
    .all()
    .map(({ name, sql }) => ({ name: String(name), sql: String(sql) }));
