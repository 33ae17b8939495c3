/*
 * How numbers are added up, and numbers and times are written for people.
 */

export const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0);

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `0 B`, `1.5 KiB`, `20 MiB`. */
export const sizeText = (bytes: number): string => {
  const power = Math.min(bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10), units.length - 1);
  const value = bytes / 1024 ** power;
  const digits = value < 10 && power > 0 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[power] ?? 'B'}`;
};

/** `42s`, `5m10s`, `2h5m`. */
export const durationText = (seconds: number): string => {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${whole % 60}s`;
  return `${Math.floor(whole / 3600)}h${Math.floor((whole % 3600) / 60)}m`;
};

/** As `durationText`; from two days on in days. */
export const ageText = (seconds: number): string =>
  seconds < 2 * 86_400 ? durationText(Math.max(0, seconds)) : `${Math.floor(seconds / 86_400)}d`;

/** `2026-11-22T02:00:00Z` */
export const secondText = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`;

/** `3m ahead of`, `20s behind`: how our clock stands to another one. In milliseconds. */
export const aheadText = (milliseconds: number): string =>
  `${durationText(Math.abs(milliseconds) / 1000)} ${milliseconds > 0 ? 'ahead of' : 'behind'}`;

/** Rows of cells in columns, the last of which may be long. */
export const tableText = (rows: readonly (readonly string[])[]): string => {
  const columns = Math.max(...rows.map(({ length }) => length)) - 1;
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

/** `1 unit`, `2 units`. */
export const countText = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? '' : 's'}`;

/**
 * The first few of many, and how many more there are: at most `most`, and no more than fit into
 * `length` characters, so that a message stays readable whatever the items are.
 */
export const listText = (items: readonly string[], most = 10, length = 160): string => {
  const shown: string[] = [];
  let left = length;
  for (const item of items.slice(0, most)) {
    if (shown.length > 0 && item.length > left) break;
    shown.push(excerpt(item, length));
    left -= item.length + 2;
  }
  const more = items.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
};

/**
 * Shortens a text to so many characters. Keeps its beginning and its end, which often says what to
 * do.
 */
export const excerpt = (text: string, most: number): string => {
  if (text.length <= most) return text;
  const end = Math.floor((most - 3) / 2);
  return `${text.slice(0, most - 3 - end)} … ${text.slice(text.length - end)}`;
};

/**
 * A text as a terminal may show it: control characters, and those that turn the direction of
 * writing, are written as `\\x1b`. Line ends and tabs stay. What comes from outside (a name, a
 * status, an answer) may hold anything.
 */
export const printable = (text: string): string =>
  text.replace(
    // eslint-disable-next-line no-control-regex -- these are what must not pass
    /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
