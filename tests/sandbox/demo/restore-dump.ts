import { spawnSync } from 'node:child_process';
import { DatabaseSync } from 'node:sqlite';
import { findProgram } from '../../servers/kubernetes/pod.ts';

/**
 * Restores a dump as the guide has an administrator do, `zcat dump | sqlite3 database`, with
 * python3 in the place of the program sqlite3 where that is not installed. Returns what did it and
 * how many rows each table then has.
 */
export const restoreDump = (
  dump: string,
  database: string,
): { readonly program: string; readonly rows: Readonly<Record<string, number>> } => {
  const sqlite3 = findProgram('sqlite3');
  const program = sqlite3 === undefined ? 'python3' : 'sqlite3';
  const { status, stderr } =
    sqlite3 === undefined
      ? spawnSync('python3', ['-c', withPython, dump, database])
      : spawnSync('sh', ['-c', 'zcat "$1" | sqlite3 -bail "$2"', 'sh', dump, database]);
  if (status !== 0) throw new Error(`${program} did not take the dump: ${stderr.toString()}`);
  using restored = new DatabaseSync(database, { readOnly: true });
  const { integrity_check: health } = restored.prepare('PRAGMA integrity_check').get() ?? {};
  if (health !== 'ok') throw new Error(`the restored database is damaged: ${String(health)}`);
  return { program, rows: rowCounts(restored) };
};

/** The rows of each table, without SQLite's own. */
export const rowCounts = (database: DatabaseSync): Record<string, number> =>
  Object.fromEntries(
    database
      .prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
      )
      .all()
      .map(({ name }) => {
        const { rows } =
          database.prepare(`SELECT count(*) AS rows FROM "${String(name)}"`).get() ?? {};
        return [String(name), Number(rows)];
      }),
  );

const withPython = `
import gzip, sqlite3, sys
with gzip.open(sys.argv[1], 'rt', encoding='utf-8', newline='') as dump:
    sqlite3.connect(sys.argv[2]).executescript(dump.read())
`;
