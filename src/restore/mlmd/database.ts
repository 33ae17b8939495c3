import { createWriteStream } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pipeline } from 'node:stream/promises';
import { checkIntegrity, countRows, loadDatabase } from '../../backup/sqlite/load.ts';
import { CharmError, reasonOf } from '../../errors.ts';
import type { Dump } from './dump.ts';
import { sqlStatements } from '../sql-statements.ts';

export type RowCounts = Readonly<Record<string, number>>;

/** What a restored database turned out to be. */
export interface Inspection {
  /** `ok`, or what SQLite finds wrong. */
  readonly integrity: string;
  readonly rows: RowCounts;
}

/** Makes a database file of a dump, on our own disk, and looks at it. Rejects with `mlmd-corrupt` when the dump is no good. */
export const buildDatabase = async (dump: Dump, file: string): Promise<Inspection> => {
  try {
    using database = await open(dump, file);
    const damage = await checkIntegrity(database);
    return { integrity: damage.join('; ') || 'ok', rows: await countRows(database) };
  } catch (error) {
    if (error instanceof CharmError) throw error;
    const reason = reasonOf(error);
    const isFull = /full|ENOSPC|disk I\/O/.test(reason);
    throw new CharmError(
      isFull ? 'disk-full' : 'mlmd-corrupt',
      `The database of ML Metadata cannot be built from its dump: ${reason}. ML Metadata was not changed.` +
        (isFull ? ` Make room on the disk of the charm's container.` : ''),
      { cause: error },
    );
  }
};

const open = async (dump: Dump, file: string): Promise<DatabaseSync> => {
  if (dump.kind === 'sql') return loadDatabase(file, sqlStatements(dump.content));
  await pipeline(dump.content, createWriteStream(file));
  return new DatabaseSync(file, { readOnly: true });
};

/** Rejects with `mlmd-corrupt` unless a restored database is sound and has the rows that were backed up. */
export const assertRestored = ({ integrity, rows }: Inspection, expected: RowCounts): void => {
  if (integrity !== 'ok') {
    throw new CharmError(
      'mlmd-corrupt',
      `The restored database is damaged: ${integrity}. ML Metadata was not changed.`,
    );
  }
  const wrong = Object.entries(expected).find(([table, count]) => rows[table] !== count);
  if (wrong === undefined) return;
  const [table, count] = wrong;
  throw new CharmError(
    'mlmd-corrupt',
    `The restored table ${table} has ${String(rows[table] ?? 'no')} rows, and ${count} were backed up. ML Metadata was not changed.`,
  );
};
