import { isUtf8 } from 'node:buffer';

/**
 * The bytes of a text that is not UTF-8, or that a literal cannot hold. They have to be cast to
 * text.
 */
export interface RawText {
  readonly text: Buffer;
}

/** A value as a dump writes it; a Buffer is a blob. */
export type DumpValue = null | bigint | number | string | RawText | Buffer;

/** Thrown for everything that dumps of this charm and of the program sqlite3 do not hold. */
export class NotADump extends Error {}

/** Reads the SQL of a dump. The text is latin1: one character for each byte. */
export interface Cursor {
  readonly text: string;
  position: number;
}

const number = /-?\d{1,500}(?:\.\d{0,500})?(?:e[+-]?\d{1,6})?/iy;
const longestInteger = 20;
const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n];

/**
 * Reads one value: `NULL`, a number, `'text'`, `X'blob'`, `CAST(X'…' AS TEXT)`, and the two forms
 * in which releases of sqlite3 write control characters, `replace('a\nb','\n',char(10))` and
 * `unistr('a\u000ab')` (sqlite3's shell.c). No other expression is read.
 */
export const readValue = (cursor: Cursor): DumpValue => {
  switch (cursor.text[cursor.position]) {
    case "'":
      return decodeText(readQuoted(cursor, "'"));
    case 'X':
      return readBlob(cursor);
    case 'C': {
      expect(cursor, 'CAST(');
      const bytes = readBlob(cursor);
      expect(cursor, ' AS TEXT)');
      return decodeText(bytes.toString('latin1'));
    }
    case 'r':
      return decodeText(readReplace(cursor, 1));
    case 'u':
      return readUnistr(cursor);
    case 'N':
      expect(cursor, 'NULL');
      return null;
    default:
      return readNumber(cursor);
  }
};

/** Steps over `expected`, or throws NotADump. */
export const expect = (cursor: Cursor, expected: string): void => {
  if (!cursor.text.startsWith(expected, cursor.position)) throw unexpected(cursor);
  cursor.position += expected.length;
};

/** Reads from one quote to the next; a doubled quote stands for one. */
export const readQuoted = (cursor: Cursor, quote: '"' | "'"): string => {
  const { text } = cursor;
  if (text[cursor.position] !== quote) throw unexpected(cursor);
  const start = cursor.position + 1;
  let hasDoubled = false;
  for (let from = start; ;) {
    const end = text.indexOf(quote, from);
    if (end < 0) throw unexpected(cursor);
    if (text[end + 1] === quote) {
      hasDoubled = true;
      from = end + 2;
      continue;
    }
    cursor.position = end + 1;
    const content = text.slice(start, end);
    return hasDoubled ? content.replaceAll(quote + quote, quote) : content;
  }
};

/**
 * Decodes text whose bytes are given as latin1. With a NUL, or when it is not UTF-8, it stays
 * bytes.
 */
export const decodeText = (latin1: string): string | RawText => {
  if (/^[\t-\r -~]*$/.test(latin1)) return latin1;
  const bytes = Buffer.from(latin1, 'latin1');
  return isUtf8(bytes) && !bytes.includes(0) ? bytes.toString('utf8') : { text: bytes };
};

export const unexpected = ({ text, position }: Cursor): NotADump =>
  new NotADump(
    `it holds what no dump of a database holds, "${text.slice(position, position + 40)}"`,
  );

const readBlob = (cursor: Cursor): Buffer => {
  expect(cursor, 'X');
  const hex = readQuoted(cursor, "'");
  const bytes = Buffer.from(hex, 'hex');
  if (bytes.length * 2 !== hex.length) throw unexpected(cursor);
  return bytes;
};

const readNumber = (cursor: Cursor): bigint | number => {
  number.lastIndex = cursor.position;
  const literal = number.exec(cursor.text)?.[0];
  if (literal === undefined) throw unexpected(cursor);
  cursor.position += literal.length;
  if (/^-?\d+$/.test(literal) && literal.length <= longestInteger) {
    const integer = BigInt(literal);
    if (integer >= least && integer <= most) return integer;
  }
  return Number(literal);
};

/**
 * `replace(replace('…','\n',char(10)),'\r',char(13))`: at most one for each of the two characters.
 */
const readReplace = (cursor: Cursor, depth: number): string => {
  expect(cursor, 'replace(');
  const isNested = cursor.text[cursor.position] === 'r';
  if (isNested && depth === 2) throw unexpected(cursor);
  const content = isNested ? readReplace(cursor, depth + 1) : readQuoted(cursor, "'");
  expect(cursor, ',');
  const escape = readQuoted(cursor, "'");
  const code = cursor.text.startsWith(',char(10))', cursor.position) ? 10 : 13;
  expect(cursor, `,char(${code}))`);
  if (escape === '') throw unexpected(cursor);
  return content.replaceAll(escape, String.fromCharCode(code));
};

/** `unistr('…')`, which writes a control character as `\u000a` and a backslash as two. */
const readUnistr = (cursor: Cursor): string | RawText => {
  expect(cursor, 'unistr(');
  const escaped = readQuoted(cursor, "'");
  expect(cursor, ')');
  const content = escaped.replace(
    /\\(?:\\|u00([01][0-9a-fA-F]|7[fF])|)/g,
    (found, hex?: string) => {
      if (found === '\\\\') return '\\';
      if (hex === undefined) throw unexpected(cursor);
      return String.fromCharCode(Number.parseInt(hex, 16));
    },
  );
  return decodeText(content);
};
