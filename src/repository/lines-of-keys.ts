/** A key has up to 1,024 bytes, metadata some 8,000; JSON may write six characters for each. */
export const longestLine = 64 * 1024;

/** How each line that this charm writes begins. */
const start = '{"key":"';

/** Keys as `linesOfKeys` compares them: a character for each byte of UTF-8. */
export const asBytes = (keys: Iterable<string>): ReadonlySet<string> =>
  new Set(Array.from(keys, (key) => Buffer.from(key).toString('latin1')));

/**
 * The lines of an object list that may have one of these keys (see `asBytes`). All others are
 * passed over without being read as JSON, which is most of what a line costs; `passed` is told how
 * many. Trusts no order. Rejects when a line is longer than an object list can have.
 */
export async function* linesOfKeys(
  chunks: AsyncIterable<Uint8Array>,
  keys: ReadonlySet<string>,
  passed: (lines: number) => void,
): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of chunks) {
    const text =
      rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1');
    let at = 0;
    let others = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', at)) {
      if (end - at > longestLine) throw tooLong();
      if (mayHave(keys, text, at, end)) {
        passed(others);
        others = 0;
        yield utf8(text.slice(at, end));
      } else others += 1;
      at = end + 1;
    }
    passed(others);
    rest = text.slice(at);
    if (rest.length > longestLine) throw tooLong();
  }
  if (rest !== '') yield utf8(rest);
}

/** Also when only JSON tells: the key has an escape, or the line another form. */
const mayHave = (keys: ReadonlySet<string>, text: string, at: number, end: number): boolean => {
  if (!text.startsWith(start, at)) return true;
  const from = at + start.length;
  const to = text.indexOf('"', from);
  if (to < 0 || to > end) return true;
  const key = text.slice(from, to);
  return keys.has(key) || key.includes('\\');
};

const utf8 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

export const tooLong = (): Error => new Error('it has a line of more than 64 KiB');
