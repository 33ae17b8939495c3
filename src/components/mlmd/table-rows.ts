import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';

/** Rows are yielded in pieces of about this length; a single row may be longer. */
const pieceLength = 64 * 1024;

/** `"name"`, whatever the name. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** The columns that an INSERT names. `isAll` is false when some are generated. */
export const storedColumns = (
  database: DatabaseSync,
  table: string,
): { readonly names: readonly string[]; readonly isAll: boolean } => {
  const columns = database.prepare(`PRAGMA table_xinfo(${quoteName(table)})`).all();
  const stored = columns.filter(({ hidden }) => hidden === 0);
  return {
    names: stored.map(({ name }) => quoteName(String(name))),
    isAll: stored.length === columns.length,
  };
};

/**
 * The rows of a table in the order in which they are stored, each as the literals of its values:
 * `1,'x',NULL`. Text that is not UTF-8, or holds NUL or CR, is written as a blob that is cast: the
 * program sqlite3 ends text at a NUL, and drops the CR of a CRLF. Floats have 20 digits, because
 * older releases of SQLite do not always read back the shortest form.
 */
export function* tableRows(
  database: DatabaseSync,
  table: string,
): Generator<readonly string[], void, undefined> {
  const { names } = storedColumns(database, table);
  // node:sqlite would replace bytes that are not UTF-8. So text is read as a blob, together with
  // its type.
  const values = names.map(
    (name) => `CASE typeof(${name}) WHEN 'text' THEN CAST(${name} AS BLOB) ELSE ${name} END`,
  );
  const types = names.map((name) => `typeof(${name})`);
  // With an index that has all columns, the order would be another one.
  const select = database.prepare(
    `SELECT ${[...values, ...types].join(', ')} FROM ${quoteName(table)} NOT INDEXED`,
    { returnArrays: true, readBigInts: true },
  );
  let rows: string[] = [];
  let length = 0;
  for (const row of select.iterate() as Iterable<unknown>) {
    if (!Array.isArray(row)) throw new TypeError('a row is not an array');
    const text = names.map((_, index) => literal(row[index], row[index + names.length])).join(',');
    rows.push(text);
    length += text.length;
    if (length < pieceLength) continue;
    yield rows;
    rows = [];
    length = 0;
  }
  yield rows;
}

/**
 * The digest of a table's content as a manifest has it: the SHA-256, in hex, of a line with its
 * column names and a line for each row, as `tableRows` writes it. A change of that form makes the
 * digests of all earlier sets differ.
 */
export const tableDigest = (
  columns: readonly string[],
): { update(rows: readonly string[]): void; hex(): string } => {
  const hash = createHash('sha256').update(`${columns.join(',')}\n`);
  return {
    update: (rows) => {
      if (rows.length > 0) hash.update(`${rows.join('\n')}\n`);
    },
    hex: () => hash.digest('hex'),
  };
};

const literal = (value: unknown, type: unknown): string => {
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    if (type !== 'text') return `X'${bytes.toString('hex')}'`;
    return isUtf8(bytes) && !bytes.includes(0) && !bytes.includes(13)
      ? `'${bytes.toString().replaceAll("'", "''")}'`
      : `CAST(X'${bytes.toString('hex')}' AS TEXT)`;
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return value > 0 ? '9e999' : '-9e999';
    return value.toPrecision(20);
  }
  return typeof value === 'bigint' ? value.toString() : 'NULL';
};
