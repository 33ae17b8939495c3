import { constants, DatabaseSync } from 'node:sqlite';
import { setImmediate as breathe } from 'node:timers/promises';
import { quoteName } from './sqlite-dump.ts';
import { splitStatements } from './sql-statements.ts';

const batchSize = 256 * 1024;

/**
 * Loads SQL text into a new database file, as fast as a file may be that is thrown away: no journal, no syncs. The text may not
 * reach for other files. Throws SQLite's error for the first statement that fails, and when the text ends inside
 * a transaction, which is what a dump does that was cut short. The caller closes the database.
 */
export const loadDatabase = async (
  file: string,
  text: AsyncIterable<string>,
): Promise<DatabaseSync> => {
  const database = new DatabaseSync(file, {
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: true,
  });
  try {
    database.exec(
      'PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE',
    );
    database.setAuthorizer((action) =>
      action === constants.SQLITE_ATTACH || action === constants.SQLITE_DETACH
        ? constants.SQLITE_DENY
        : constants.SQLITE_OK,
    );
    let batch = '';
    for await (const statement of splitStatements(text)) {
      batch += statement;
      if (batch.length < batchSize) continue;
      database.exec(batch);
      batch = '';
      await breathe();
    }
    database.exec(batch);
    if (database.isTransaction) throw new Error('the dump ends before its transaction does');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
};

/** What SQLite finds wrong, table by table so that others get their turn; empty when all is well. */
export const checkIntegrity = async (database: DatabaseSync): Promise<readonly string[]> => {
  for (const table of tablesOf(database)) {
    const found = database
      .prepare(`PRAGMA integrity_check(${quoteName(table)})`)
      .all()
      .map((row) => String(Object.values(row)[0]));
    if (found.join() !== 'ok') return found;
    await breathe();
  }
  return [];
};

/** Rows of each table, SQLite's own tables left out. */
export const countRows = async (
  database: DatabaseSync,
): Promise<Readonly<Record<string, number>>> => {
  const rows: [string, number][] = [];
  for (const table of tablesOf(database)) {
    const counted = database.prepare(`SELECT count(*) AS rows FROM ${quoteName(table)}`).get();
    rows.push([table, Number(counted?.['rows'])]);
    await breathe();
  }
  return Object.fromEntries(rows);
};

/** ML Metadata's schema version; undefined when the database has none. */
export const schemaVersionOf = (database: DatabaseSync): number | undefined => {
  if (!tablesOf(database).includes('MLMDEnv')) return undefined;
  const version = database.prepare('SELECT schema_version FROM MLMDEnv').get()?.['schema_version'];
  return typeof version === 'number' ? version : undefined;
};

const tablesOf = (database: DatabaseSync): readonly string[] =>
  database
    .prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@' ORDER BY name",
    )
    .all()
    .map(({ name }) => String(name));
