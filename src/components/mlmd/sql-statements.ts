import { CharmError } from '../../errors.ts';

/** What may begin something that a semicolon does not end, or is a semicolon. */
const special = /[;'"`[]|--|\/\*/g;
const space = String.raw`(?:\s|--[^\n]*(?:\n|$)|/\*[\s\S]*?\*/)*`;
const trigger = new RegExp(`^${space}create${space}(?:temp(?:orary)?${space})?trigger\\b`, 'i');
const triggerEnd = new RegExp(`^${space}end${space}$`, 'i');

const closings: Readonly<Record<string, string>> = {
  "'": "'",
  '"': '"',
  '`': '`',
  '[': ']',
  '--': '\n',
  '/*': '*/',
};

/**
 * Cuts SQL text into statements, each with its semicolon, while it streams in; what follows the last semicolon comes last unless it
 * is blank. Knows quoted text and names, comments, and triggers, whose bodies hold statements of their own (the rule
 * of SQLite's sqlite3_complete). Holds one statement at a time.
 */
export async function* splitStatements(
  text: AsyncIterable<string>,
): AsyncGenerator<string, void, undefined> {
  const state = { buffer: '', position: 0, closing: '', segment: 0 };
  for await (const chunk of text) {
    state.buffer += chunk;
    yield* statementsOf(state, false);
  }
  yield* statementsOf(state, true);
  if (state.buffer.trim() !== '') yield state.buffer;
}

interface State {
  buffer: string;
  /** Everything before was looked at. */
  position: number;
  /** What ends the quote or comment that we are in; empty outside. */
  closing: string;
  /** Where the statement began, or in a trigger what follows its last semicolon. */
  segment: number;
}

function* statementsOf(state: State, isEnd: boolean): Generator<string, void, undefined> {
  for (;;) {
    if (state.closing !== '') {
      const end = state.buffer.indexOf(state.closing, state.position);
      if (end < 0) {
        // The first half of a two-letter end may be the last letter.
        state.position = Math.max(state.position, state.buffer.length - state.closing.length + 1);
        return;
      }
      state.position = end + state.closing.length;
      state.closing = '';
    }
    special.lastIndex = state.position;
    const found = special.exec(state.buffer);
    if (!found) {
      state.position = Math.max(state.position, state.buffer.length - (isEnd ? 0 : 1));
      return;
    }
    state.position = found.index + found[0].length;
    state.closing = closings[found[0]] ?? '';
    if (found[0] !== ';') continue;
    const statement = state.buffer.slice(0, state.position);
    const last = state.buffer.slice(state.segment, found.index);
    if (trigger.test(statement) && !triggerEnd.test(last)) {
      state.segment = state.position;
      continue;
    }
    state.buffer = state.buffer.slice(state.position);
    state.position = 0;
    state.segment = 0;
    yield statement;
  }
}

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
