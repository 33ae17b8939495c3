import { endOfDefinition } from './dump-definition.ts';
import {
  decodeText,
  type DumpValue,
  expect,
  NotADump,
  readQuoted,
  readValue,
  unexpected,
} from './dump-values.ts';

/** A statement of a dump, taken apart. Nothing of an INSERT is ever run as SQL. */
export type DumpStatement =
  | { readonly kind: 'begin' | 'commit' | 'clear-sequence' | 'prepare-statistics' }
  | { readonly kind: 'create'; readonly what: CreatedKind; readonly sql: string }
  | {
      readonly kind: 'insert';
      readonly table: string;
      /** Undefined: all columns. */
      readonly columns: readonly string[] | undefined;
      readonly values: readonly DumpValue[];
    };

export type CreatedKind = 'table' | 'index' | 'view' | 'trigger';

/** The statements that are the same in every dump, of ours and of the program sqlite3. */
const fixed: ReadonlyMap<string, DumpStatement | undefined> = new Map([
  ['PRAGMA foreign_keys=OFF;', undefined],
  ['BEGIN TRANSACTION;', { kind: 'begin' }],
  ['COMMIT;', { kind: 'commit' }],
  ['DELETE FROM sqlite_sequence;', { kind: 'clear-sequence' }],
  ['ANALYZE sqlite_schema;', { kind: 'prepare-statistics' }],
  ['ANALYZE sqlite_master;', { kind: 'prepare-statistics' }],
]);
const created: readonly (readonly [start: string, what: CreatedKind])[] = [
  ['CREATE TABLE ', 'table'],
  ['CREATE INDEX ', 'index'],
  ['CREATE UNIQUE INDEX ', 'index'],
  ['CREATE VIEW ', 'view'],
  ['CREATE TRIGGER ', 'trigger'],
];
const insert = 'INSERT INTO ';
/** So many characters are enough to tell every statement from the others. */
const headLength = 32;
/**
 * Our own limits, not SQLite's. A definition is short, and a row has a few values of ML Metadata,
 * which take at most 100 MiB in its protocol.
 */
const longestDefinition = 256 * 1024;
const longestRow = 128 * 1024 * 1024;
const mostValues = 2000;

/**
 * Reads the SQL text of a dump, with a grammar that has only what dumps hold: one INSERT of literal
 * values for each row, the definitions of tables, indexes, views and triggers, and the few
 * statements around them. Its time grows linearly with the text. Throws NotADump for everything
 * else, for a NUL, and when the text does not end with its COMMIT.
 */
export async function* readDump(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly DumpStatement[], void, undefined> {
  const state: State = { pending: '', parts: [], length: 0, inQuote: '', isComplete: false };
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (bytes.includes(0)) throw new NotADump('it holds a NUL');
    yield statementsOf(state, bytes.toString('latin1'), false);
  }
  yield statementsOf(state, '', true);
  if (!state.isComplete) throw new NotADump('it is cut off: it does not end with COMMIT');
}

interface State {
  /** The text that was not taken apart yet; short unless it is a definition. */
  pending: string;
  /** The beginning of a row that goes on in the next chunk. */
  parts: string[];
  length: number;
  /** The quote that is still open at the end of the parts. */
  inQuote: string;
  isComplete: boolean;
}

const statementsOf = (state: State, chunk: string, isEnd: boolean): DumpStatement[] => {
  const statements: DumpStatement[] = [];
  let text = state.pending + chunk;
  let position = 0;
  for (;;) {
    if (state.parts.length > 0) {
      const end = endOfRow(state, text, position);
      if (end === undefined) break;
      state.parts.push(text.slice(position, end));
      statements.push(readInsert(state.parts.join('')));
      state.parts = [];
      position = end;
    }
    while (isSpace(text.charCodeAt(position))) position += 1;
    if (position === text.length || (!isEnd && text.length - position < headLength)) {
      state.pending = text.slice(position);
      return statements;
    }
    if (state.isComplete) throw new NotADump('it goes on after its COMMIT');
    if (text.startsWith(insert, position)) {
      state.parts = [insert];
      state.length = insert.length;
      state.inQuote = '';
      position += insert.length;
      continue;
    }
    const whole = [...fixed].find(([words]) => text.startsWith(words, position));
    if (whole !== undefined) {
      const [words, statement] = whole;
      position += words.length;
      state.isComplete = statement?.kind === 'commit';
      if (statement !== undefined) statements.push(statement);
      continue;
    }
    const what = created.find(([start]) => text.startsWith(start, position))?.[1];
    if (what === undefined) throw refused(text, position);
    text = text.slice(position);
    position = 0;
    const end = endOfDefinition(text, {
      isTrigger: what === 'trigger',
      longest: longestDefinition + headLength,
    });
    if (end > longestDefinition || (end < 0 && text.length > longestDefinition))
      throw new NotADump('it holds a definition of more than 256 KiB');
    if (end < 0) {
      if (isEnd) throw new NotADump('it is cut off within a definition');
      state.pending = text;
      return statements;
    }
    statements.push({ kind: 'create', what, sql: utf8(text.slice(0, end)) });
    position = end;
  }
  if (isEnd) throw new NotADump('it is cut off within a row');
  state.parts.push(text.slice(position));
  state.pending = '';
  return statements;
};

const refused = (text: string, position: number): NotADump =>
  text.startsWith('ROLLBACK', position)
    ? new NotADump(
        'it ends with ROLLBACK, which SQLite writes when it could not read all of a database',
      )
    : unexpected({ text, position });

/** Where the row ends that began in `state.parts`; undefined when it goes on after `text`. */
const endOfRow = (state: State, text: string, start: number): number | undefined => {
  state.length += text.length - start;
  let position = start;
  for (;;) {
    if (state.inQuote !== '') {
      const end = text.indexOf(state.inQuote, position);
      if (end < 0) break;
      state.inQuote = '';
      position = end + 1;
    }
    rowMark.lastIndex = position;
    const found = rowMark.exec(text);
    if (found === null) break;
    position = found.index + 1;
    if (found[0] === ';') return position;
    state.inQuote = found[0];
  }
  if (state.length > longestRow) throw new NotADump('it holds a row of more than 128 MiB');
  return undefined;
};

const rowMark = /['";]/g;

const readInsert = (text: string): DumpStatement => {
  const cursor = { text, position: insert.length };
  const table = readName(cursor);
  let columns: string[] | undefined;
  if (text[cursor.position] === '(') columns = readList(cursor, readName);
  expect(cursor, ' VALUES');
  const values = readList(cursor, readValue);
  expect(cursor, ';');
  if (columns !== undefined && columns.length !== values.length) throw unexpected(cursor);
  return { kind: 'insert', table, columns, values };
};

const readList = <T>(
  cursor: { text: string; position: number },
  read: (at: typeof cursor) => T,
): T[] => {
  expect(cursor, '(');
  const items = [read(cursor)];
  while (cursor.text[cursor.position] === ',') {
    cursor.position += 1;
    items.push(read(cursor));
    if (items.length > mostValues)
      throw new NotADump(`it holds a row of more than ${mostValues} values`);
  }
  expect(cursor, ')');
  return items;
};

const plainName = /[A-Za-z_]\w{0,200}/y;

const readName = (cursor: { text: string; position: number }): string => {
  if (cursor.text[cursor.position] === '"') return utf8(readQuoted(cursor, '"'));
  plainName.lastIndex = cursor.position;
  const name = plainName.exec(cursor.text)?.[0];
  if (name === undefined) throw unexpected(cursor);
  cursor.position += name.length;
  return name;
};

const utf8 = (latin1: string): string => {
  const text = decodeText(latin1);
  if (typeof text === 'string') return text;
  throw new NotADump('it holds a name or a definition that is not UTF-8');
};

const isSpace = (code: number): boolean => code === 10 || code === 32 || code === 13 || code === 9;
