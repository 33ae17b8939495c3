import { constants, DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { type DumpStatement, readDump } from './dump-statements.ts';
import { type DumpValue, NotADump } from './dump-values.ts';

export interface LoadLimits {
  /** Bytes of the database file. */
  readonly fileBytes: number;
  /** Bytes that SQLite may hold in memory, for the whole process. */
  readonly memoryBytes: number;
}

const pageSize = 4096;
const mostPrepared = 500;

/**
 * Builds a new database file from the text of a dump, which an attacker may have written. Rows are
 * bound as values. Only definitions are run as SQL, in the order of a dump (triggers and views
 * last, so that none ever fires), and everything but definitions is forbidden there: functions,
 * queries, other files. Throws NotADump, or SQLite's error when a statement fails or a limit is
 * reached. Then the file is unusable.
 */
export const loadDump = async (
  text: AsyncIterable<Uint8Array>,
  file: string,
  { fileBytes, memoryBytes }: LoadLimits,
): Promise<void> => {
  using database = new DatabaseSync(file, {
    enableForeignKeyConstraints: false,
    enableDoubleQuotedStringLiterals: true,
  });
  database.exec(
    `PRAGMA page_size = ${pageSize}; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA temp_store = FILE; PRAGMA max_page_count = ${Math.max(1, Math.floor(fileBytes / pageSize))};
    PRAGMA hard_heap_limit = ${memoryBytes}`,
  );
  database.enableDefensive(true);
  const insert = inserter(database);
  const order = orderOfDump();
  for await (const statements of readDump(text))
    for (const statement of statements) {
      order.check(statement);
      if (statement.kind === 'insert') insert(statement);
      else execute(database, statement);
    }
};

type Created = Extract<DumpStatement, { kind: 'create' }>;
type Inserted = Extract<DumpStatement, { kind: 'insert' }>;

const execute = (database: DatabaseSync, statement: Exclude<DumpStatement, Inserted>): void => {
  switch (statement.kind) {
    case 'begin':
      database.exec('BEGIN');
      return;
    case 'commit':
      database.exec('COMMIT');
      return;
    case 'clear-sequence':
      database.exec('DELETE FROM sqlite_sequence');
      return;
    case 'prepare-statistics':
      database.exec('ANALYZE sqlite_schema');
      return;
    case 'create':
      define(database, statement);
  }
};

/** The functions that a column's check or default may call: fast, and without effects. */
const harmless = new Set(['abs', 'coalesce', 'ifnull', 'length', 'lower', 'nullif', 'substr']);
harmless.add('trim').add('typeof').add('upper');
const allowed: ReadonlySet<number> = new Set([
  constants.SQLITE_CREATE_TABLE,
  constants.SQLITE_CREATE_INDEX,
  constants.SQLITE_CREATE_VIEW,
  constants.SQLITE_CREATE_TRIGGER,
  constants.SQLITE_REINDEX,
  constants.SQLITE_INSERT,
  constants.SQLITE_UPDATE,
  constants.SQLITE_READ,
]);

const define = (database: DatabaseSync, { sql }: Created): void => {
  database.setAuthorizer((action, _first, second) =>
    allowed.has(action) || (action === constants.SQLITE_FUNCTION && harmless.has(String(second)))
      ? constants.SQLITE_OK
      : constants.SQLITE_DENY,
  );
  try {
    database.exec(sql);
  } finally {
    database.setAuthorizer(null);
  }
};

/**
 * Inserts rows by prepared statements. There is one for each table and each combination of columns
 * that must be cast to text.
 */
const inserter = (database: DatabaseSync): ((row: Inserted) => void) => {
  const prepared = new Map<string, StatementSync>();
  return ({ table, columns, values }) => {
    const shape = values.map((value) => (isRawText(value) ? 'CAST(? AS TEXT)' : '?')).join();
    const names = columns === undefined ? '' : `(${columns.map(quoted).join()})`;
    const sql = `INSERT INTO ${quoted(table)}${names} VALUES(${shape})`;
    let statement = prepared.get(sql);
    if (statement === undefined) {
      if (prepared.size === mostPrepared) prepared.clear();
      statement = database.prepare(sql);
      prepared.set(sql, statement);
    }
    statement.run(...values.map(bound));
  };
};

const isRawText = (value: DumpValue): value is { readonly text: Buffer } =>
  typeof value === 'object' && value !== null && 'text' in value;

const bound = (value: DumpValue): SQLInputValue => (isRawText(value) ? value.text : value);

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * A dump has tables and rows first, then SQLite's own counters, then triggers, views and indexes.
 */
const orderOfDump = (): { check(statement: DumpStatement): void } => {
  let isOpen = false;
  let isPastRows = false;
  return {
    check: (statement) => {
      const { kind } = statement;
      if ((kind === 'begin') === isOpen) throw new NotADump('it does not lie in one transaction');
      if (kind === 'begin') isOpen = true;
      if (kind === 'commit') isOpen = false;
      const isDefinition = kind === 'create' && statement.what !== 'table';
      if (isPastRows && !isDefinition && kind !== 'commit')
        throw new NotADump('it has rows behind its indexes, views and triggers');
      isPastRows ||= isDefinition;
    },
  };
};
