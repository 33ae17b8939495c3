import { isUtf8 } from 'node:buffer';
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as breathe } from 'node:timers/promises';

const rowsAtATime = 200;

/**
 * The SQL text of a database, as `sqlite3 … .dump` gives it, in pieces. Text that is not UTF-8 or holds NUL is written as a blob that is
 * cast; floats have 20 digits, since older releases of SQLite do not always read back the shortest form. `count` hears the
 * rows of each table. Throws for virtual tables, which are not made of rows alone.
 */
export async function* dumpDatabase(
  database: DatabaseSync,
  count: (table: string, rows: number) => void,
): AsyncGenerator<string, void, undefined> {
  yield 'PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n';
  const tables = definitions(database, "type = 'table'", 'rowid');
  for (const { name, sql } of tables) {
    if (name.startsWith('sqlite_')) continue;
    if (/^create\s+virtual/i.test(sql))
      throw new Error(`the table ${name} is virtual, which a dump does not support`);
    yield `${sql};\n`;
    count(name, yield* dumpRows(database, name));
  }
  if (tables.some(({ name }) => name === 'sqlite_sequence')) {
    yield 'DELETE FROM sqlite_sequence;\n';
    yield* dumpRows(database, 'sqlite_sequence');
  }
  for (const { sql } of definitions(
    database,
    "type IN ('index', 'trigger', 'view')",
    "type = 'trigger', rowid",
  ))
    yield `${sql};\n`;
  yield 'COMMIT;\n';
}

/** `"name"`, whatever the name. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

async function* dumpRows(
  database: DatabaseSync,
  table: string,
): AsyncGenerator<string, number, undefined> {
  const columns = database.prepare(`PRAGMA table_xinfo(${quoteName(table)})`).all();
  const kept = columns
    .filter(({ hidden }) => hidden === 0)
    .map(({ name }) => quoteName(String(name)));
  // node:sqlite would replace what is not UTF-8; as a blob it comes as it is, and its type beside it.
  const values = kept.map(
    (name) => `CASE typeof(${name}) WHEN 'text' THEN CAST(${name} AS BLOB) ELSE ${name} END`,
  );
  const types = kept.map((name) => `typeof(${name})`);
  const select = database.prepare(
    `SELECT ${[...values, ...types].join(', ')} FROM ${quoteName(table)}`,
    { returnArrays: true, readBigInts: true },
  );
  const names = kept.length < columns.length ? `(${kept.join(',')})` : '';
  const insert = `INSERT INTO ${quoteName(table)}${names} VALUES(`;
  let rows = 0;
  let lines: string[] = [];
  for (const row of select.iterate() as Iterable<unknown>) {
    if (!Array.isArray(row)) throw new TypeError('a row is not an array');
    const literals = kept.map((_name, index) => literal(row[index], row[index + kept.length]));
    lines.push(`${insert}${literals.join(',')});\n`);
    rows += 1;
    if (lines.length === rowsAtATime) {
      yield lines.join('');
      lines = [];
      await breathe();
    }
  }
  yield lines.join('');
  return rows;
}

const literal = (value: unknown, type: unknown): string => {
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    if (type !== 'text') return `X'${bytes.toString('hex')}'`;
    return isUtf8(bytes) && !bytes.includes(0)
      ? `'${bytes.toString().replaceAll("'", "''")}'`
      : `CAST(X'${bytes.toString('hex')}' AS TEXT)`;
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return value > 0 ? '9e999' : '-9e999';
    return value.toPrecision(20);
  }
  return typeof value === 'bigint' ? value.toString() : 'NULL';
};

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
