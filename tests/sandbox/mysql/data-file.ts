import { DatabaseSync } from 'node:sqlite';

/** The tables that the two databases of Kubeflow really have; the columns are a selection. */
const schemas: Readonly<Record<string, readonly Table[]>> = {
  mlpipeline: [
    {
      name: 'experiments',
      columns: 'UUID TEXT PRIMARY KEY, Name TEXT, CreatedAtInSec INT',
      rows: 40,
    },
    {
      name: 'pipelines',
      columns: 'UUID TEXT PRIMARY KEY, Name TEXT, CreatedAtInSec INT',
      rows: 60,
    },
    {
      name: 'run_details',
      columns: 'UUID TEXT PRIMARY KEY, DisplayName TEXT, CreatedAtInSec INT',
      rows: 2000,
    },
  ],
  katib: [
    {
      name: 'observation_logs',
      columns: 'trial_name TEXT, metric_name TEXT, time INT',
      rows: 3000,
    },
  ],
};

interface Table {
  readonly name: string;
  readonly columns: string;
  readonly rows: number;
}

/**
 * Writes the SQLite file that stands for MySQL's data directory. Every application gets rows of its
 * own.
 */
export const createDataFile = (file: string, database: string, application: string): void => {
  using data = new DatabaseSync(file);
  data.exec('BEGIN');
  for (const { name, columns, rows } of schemas[database] ?? []) {
    data.exec(`CREATE TABLE ${name} (${columns})`);
    const insert = data.prepare(`INSERT INTO ${name} VALUES (?, ?, ?)`);
    for (let row = 0; row < rows; row++)
      insert.run(
        `${application}-${name}-${row}`,
        `${name} number ${row} of ${application} – ünï`,
        1_700_000_000 + row,
      );
  }
  data.exec('COMMIT');
};

/** Every row of every table, as text that can be compared. */
export const rowsOf = (file: string): Readonly<Record<string, readonly string[]>> => {
  using data = new DatabaseSync(file, { readOnly: true });
  const tables = data
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    .all();
  return Object.fromEntries(
    tables.map(({ name }) => [
      String(name),
      data
        .prepare(`SELECT * FROM "${String(name)}" ORDER BY rowid`)
        .all()
        .map((row) => JSON.stringify(row)),
    ]),
  );
};

/** Runs SQL on a database's data, as a user of Kubeflow would through kfp-api. */
export const changeRows = (file: string, sql: string): void => {
  using data = new DatabaseSync(file);
  data.exec(sql);
};
