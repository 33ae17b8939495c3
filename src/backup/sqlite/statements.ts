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
