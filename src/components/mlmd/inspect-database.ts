import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as breathe } from 'node:timers/promises';
import { quoteName, storedColumns, tableDigest, tableRows } from './table-rows.ts';

/** What a database of ML Metadata holds. SQLite's own tables are left out. */
export interface DatabaseContent {
  /** Undefined unless the table MLMDEnv has exactly one row with a whole number. */
  readonly schemaVersion: number | undefined;
  /** Rows of each table. */
  readonly rows: Readonly<Record<string, number>>;
  /** The digest of the content of each table; see table-rows.ts. */
  readonly digests: Readonly<Record<string, string>>;
}

/**
 * What SQLite finds wrong; empty when all is well. It goes table by table, so that signals are
 * handled in between.
 */
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

/** Reads everything once. */
export const readContent = async (database: DatabaseSync): Promise<DatabaseContent> => {
  const rows: [string, number][] = [];
  const digests: [string, string][] = [];
  for (const table of tablesOf(database)) {
    const digest = tableDigest(storedColumns(database, table).names);
    let count = 0;
    for (const some of tableRows(database, table)) {
      digest.update(some);
      count += some.length;
      await breathe();
    }
    rows.push([table, count]);
    digests.push([table, digest.hex()]);
  }
  return {
    schemaVersion: schemaVersionOf(database),
    rows: Object.fromEntries(rows),
    digests: Object.fromEntries(digests),
  };
};

export const schemaVersionOf = (database: DatabaseSync): number | undefined => {
  if (!tablesOf(database).includes('MLMDEnv')) return undefined;
  const columns = storedColumns(database, 'MLMDEnv').names;
  if (!columns.includes('"schema_version"')) return undefined;
  const versions = database.prepare('SELECT schema_version FROM MLMDEnv LIMIT 2').all();
  const [version] = versions.map((row) => row['schema_version']);
  return versions.length === 1 && Number.isSafeInteger(version) ? Number(version) : undefined;
};

const tablesOf = (database: DatabaseSync): readonly string[] =>
  database
    .prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@' ORDER BY name",
    )
    .all()
    .map(({ name }) => String(name));
