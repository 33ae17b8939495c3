/** A stretch of time, in seconds from the beginning of a run. */
export interface Bar {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** `down`: units are gone; `more`: a unit more than before; `work`: a step. */
  readonly kind: 'down' | 'more' | 'work';
}

const colours = { down: '#c4162a', more: '#e0a100', work: '#3274d9' } as const;
const [left, row, width, margin] = [330, 24, 900, 16];

/**
 * Bars below one scale of seconds, as an SVG that needs nothing else. Bars of one name share a row.
 */
export const drawTimeline = (title: string, bars: readonly Bar[]): string => {
  const names = [...new Set(bars.map(({ name }) => name))];
  const end = Math.max(1, ...bars.map(({ to }) => to));
  const height = names.length * row + 92;
  const at = (seconds: number): number => left + (seconds / end) * (width - left - margin);
  const top = 48;
  const bottom = top + names.length * row;
  const ticks = marksUpTo(end);
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif">`,
    '<rect width="100%" height="100%" rx="6" fill="#ffffff" stroke="#d0d0d0"/>',
    text(margin, 28, title, 15, 'start'),
    ...ticks.flatMap((seconds) => [
      `<line x1="${round(at(seconds))}" y1="${top}" x2="${round(at(seconds))}" y2="${bottom}" stroke="#e4e4e4"/>`,
      text(at(seconds), bottom + 16, `${seconds} s`, 11, 'middle'),
    ]),
    ...names.map((name, index) => text(left - 8, top + index * row + 16, name, 12, 'end')),
    ...bars.map(
      ({ name, from, to, kind }) =>
        `<rect x="${round(at(from))}" y="${top + names.indexOf(name) * row + 4}" width="${round(Math.max(2, at(to) - at(from)))}" height="${row - 8}" rx="2" fill="${colours[kind]}"/>`,
    ),
    ...legend(bottom + 36),
    '</svg>',
  ].join('\n')}\n`;
};

const legend = (y: number): readonly string[] =>
  (
    [
      ['work', 'a step'],
      ['down', 'units that are gone for a while'],
      ['more', 'a unit more than before'],
    ] as const
  ).flatMap(([kind, words], index) => [
    `<rect x="${left + index * 190}" y="${y - 9}" width="10" height="10" rx="2" fill="${colours[kind]}"/>`,
    text(left + index * 190 + 16, y, words, 11, 'start'),
  ]);

/** At most ten marks, at round numbers. */
const marksUpTo = (end: number): readonly number[] => {
  const step = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600].find((one) => end / one <= 10) ?? end;
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => index * step);
};

const round = (value: number): number => Math.round(value * 10) / 10;

const text = (x: number, y: number, words: string, size: number, anchor: string): string =>
  `<text x="${round(x)}" y="${y}" font-size="${size}" fill="#24292f" text-anchor="${anchor}">${escaped(words)}</text>`;

const escaped = (words: string): string =>
  words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
