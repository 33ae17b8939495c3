import { splitStatements } from '../backup/sqlite/statements.ts';
import { CharmError } from '../errors.ts';

/** What SQLite's `.dump` and Python's `iterdump` write, and no more: a dump must not reach for another file or run a command. */
const allowed =
  /^(?:PRAGMA\s+foreign_keys\b|BEGIN\b|COMMIT\b|END\b|INSERT\s+INTO\b|REPLACE\s+INTO\b|ANALYZE\b|DELETE\s+FROM\s+"?sqlite_sequence\b|CREATE\s+(?:UNIQUE\s+)?(?:TABLE|INDEX|VIEW|TRIGGER)\b)/i;

/**
 * The statements of an SQL dump, one after the other, in the memory of the longest one. Rejects with `mlmd-corrupt` when the dump
 * does not end with its COMMIT (it was cut off, or SQLite wrote a ROLLBACK because the database was damaged), or holds what no dump holds.
 */
export async function* sqlStatements(content: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let isComplete = false;
  for await (const text of splitStatements(decoded(content))) {
    const statement = withoutComments(text);
    if (statement === '' || statement === ';') continue;
    check(statement);
    isComplete = /^(?:COMMIT|END)\b[^;]*;$/i.test(statement);
    yield statement;
  }
  if (isComplete) return;
  throw new CharmError(
    'mlmd-corrupt',
    'The dump of ML Metadata is cut off: it does not end with COMMIT. ML Metadata was not changed.',
  );
}

async function* decoded(content: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of content) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

const check = (statement: string): void => {
  if (allowed.test(statement)) return;
  const start = statement.slice(0, 40).replaceAll(/\s+/g, ' ');
  throw new CharmError(
    'mlmd-corrupt',
    /^ROLLBACK\b/i.test(statement)
      ? 'The dump of ML Metadata ends with ROLLBACK, which SQLite writes when it could not read all of a database. ML Metadata was not changed.'
      : `The dump of ML Metadata holds what no dump of a database holds ("${start}"). ML Metadata was not changed.`,
  );
};

const withoutComments = (text: string): string =>
  text.replace(/^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/, '').trimEnd();
