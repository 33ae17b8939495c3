import { durationText, sizeText } from '../../../src/text.ts';
import type { Series } from './prometheus.ts';

/** What a panel of the dashboard is drawn from. */
export interface DrawnPanel {
  readonly title: string;
  readonly type: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly legend: string;
  readonly unit: string | undefined;
  /** What the vertical axis counts; empty without one. */
  readonly axis: string;
  readonly steps: readonly { readonly color: string; readonly value: number | null }[];
  readonly words: Readonly<Record<string, { readonly text: string; readonly color: string }>>;
  readonly series: readonly Series[];
  readonly bars: boolean;
  readonly stacked: boolean;
}

const [column, line, gap] = [46, 30, 6];
const colours = ['#5794f2', '#73bf69', '#ff9830', '#b877d9'];
const colourOf = ({ labels }: Series, index: number): string =>
  labels['outcome'] === 'failed' ? '#f2495c' : (colours[index % colours.length] ?? '');
const named: Readonly<Record<string, string>> = {
  ...{ green: '#73bf69', orange: '#ff9830', red: '#f2495c', text: '#d8d9da' },
};

/**
 * The panels as Grafana would show them, roughly: an SVG that needs nothing else. `now` is in
 * seconds.
 */
export const drawDashboard = (panels: readonly DrawnPanel[], now: number): string => {
  const height = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h)) * line;
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${24 * column} ${height}" font-family="Inter, Arial, sans-serif">`,
    `<rect width="100%" height="100%" fill="#111217"/>`,
    ...panels.map((panel) => drawPanel(panel, now)),
    '</svg>',
  ].join('\n')}\n`;
};

const drawPanel = (panel: DrawnPanel, now: number): string => {
  const { x, y, w, h } = panel.gridPos;
  const [width, height] = [w * column - gap, h * line - gap];
  const inside =
    panel.type === 'timeseries'
      ? chart(panel, width, height)
      : panel.type === 'table'
        ? rows(panel)
        : oneValue(panel, width, height, now);
  return [
    `<g transform="translate(${x * column + gap / 2},${y * line + gap / 2})">`,
    `<rect width="${width}" height="${height}" rx="3" fill="#181b1f" stroke="#2c3235"/>`,
    `<text x="8" y="18" font-size="12" fill="#d8d9da">${escaped(panel.title)}</text>`,
    ...inside,
    '</g>',
  ].join('\n');
};

const oneValue = (panel: DrawnPanel, width: number, height: number, now: number): string[] => {
  const [series] = panel.series;
  const value = series?.values.at(-1)?.[1];
  if (value === undefined) return [text(width / 2, height / 2 + 14, 'not known', '#8e8e8e', 16)];
  const { words, colour } = shownAs(panel, value, now);
  return [text(width / 2, height / 2 + 16, words, colour, 20)];
};

const rows = (panel: DrawnPanel): string[] =>
  panel.series.flatMap(({ labels, values }, index) => {
    const { words, colour } = shownAs(panel, values.at(-1)?.[1] ?? 0, 0);
    const y = 50 + index * 22;
    return [
      text(20, y, labels['kind'] ?? labels['system'] ?? '', '#d8d9da', 12, 'start'),
      text(180, y, words, colour, 12, 'start'),
    ];
  });

/** A value in the words and the colour that the panel has for it. */
const shownAs = (
  { words, steps, unit }: DrawnPanel,
  value: number,
  now: number,
): { readonly words: string; readonly colour: string } => {
  const word = words[String(value)];
  const step = steps.findLast((one) => one.value === null || value >= one.value);
  return {
    words: word?.text ?? valueText(value, unit, now),
    colour: named[word?.color ?? step?.color ?? 'text'] ?? '#d8d9da',
  };
};

const chart = (panel: DrawnPanel, width: number, height: number): string[] => {
  const [left, top, bottom] = [64, 30, height - 34];
  const right = width - 10;
  const lines = panel.stacked ? stacked(panel.series) : panel.series;
  const points = lines.flatMap(({ values }) => values);
  const times = points.map(([time]) => time);
  const [start, end] = [Math.min(...times), Math.max(...times)];
  const highest = Math.max(1, ...points.map(([, value]) => value)) * 1.05;
  // A bar stands to the right of its time.
  const span = panel.bars ? (end - start) * (1 + 1 / (lines[0]?.values.length ?? 1)) : end - start;
  const px = (time: number): string => (left + ((time - start) / span) * (right - left)).toFixed(1);
  const py = (value: number): string => (bottom - (value / highest) * (bottom - top)).toFixed(1);
  const axis = [0, 0.5, 1].flatMap((part) => [
    `<line x1="${left}" x2="${right}" y1="${py(highest * part)}" y2="${py(highest * part)}" stroke="#2c3235"/>`,
    text(
      left - 6,
      Number(py(highest * part)) + 4,
      valueText(highest * part, panel.unit, 0),
      '#8e8e8e',
      10,
      'end',
    ),
  ]);
  const middle = (top + bottom) / 2;
  const label = `<g transform="rotate(-90 12 ${middle})">${text(12, middle, panel.axis, '#8e8e8e', 10, 'middle')}</g>`;
  // The highest of a stack first, so that those below it stay seen.
  const drawn = lines
    .map((series, index) => {
      const { values } = series;
      const colour = colourOf(series, index);
      if (panel.bars)
        return values
          .map(
            ([time, value]) =>
              `<rect x="${px(time)}" y="${py(value)}" width="${((right - left) / values.length - 3).toFixed(1)}" height="${(bottom - Number(py(value))).toFixed(1)}" fill="${colour}"/>`,
          )
          .join('');
      const path = values.map(([time, value]) => `${px(time)},${py(value)}`).join(' ');
      return panel.stacked
        ? `<polygon points="${px(start)},${bottom} ${path} ${px(end)},${bottom}" fill="${colour}" fill-opacity="0.7" stroke="${colour}"/>`
        : `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
    })
    .toReversed();
  const dates = [start, (start + end) / 2, end].map((time, index) =>
    text(
      Number(px(time)),
      bottom + 14,
      new Date(time * 1000).toISOString().slice(0, 10),
      '#8e8e8e',
      10,
      (['start', 'middle', 'end'] as const)[index],
    ),
  );
  const names = panel.series.map((series, index) => {
    const name = panel.legend.replace(
      /\{\{(\w+)\}\}/g,
      (_, label: string) => series.labels[label] ?? '',
    );
    const [x, y] = [left + index * 110, bottom + 28];
    return `<rect x="${x}" y="${y - 8}" width="8" height="8" fill="${colourOf(series, index)}"/>${text(x + 12, y, name, '#d8d9da', 10, 'start')}`;
  });
  return [...axis, label, ...drawn, ...dates, ...names];
};

/** Each line on top of those before it. */
const stacked = (series: readonly Series[]): readonly Series[] => {
  const below = new Map<number, number>();
  return series.map(({ labels, values }) => ({
    labels,
    values: values.map(([time, value]) => {
      const sum = (below.get(time) ?? 0) + value;
      below.set(time, sum);
      return [time, sum] as const;
    }),
  }));
};

const valueText = (value: number, unit: string | undefined, now: number): string => {
  if (unit === 's')
    return value > 172_800
      ? `${(value / 86_400).toFixed(1)} days`
      : durationText(Math.round(value));
  if (unit === 'bytes') return sizeText(Math.round(value));
  if (unit === 'dateTimeFromNow') return `in ${durationText(Math.round(value / 1000 - now))}`;
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 1 : 0);
};

const text = (
  x: number,
  y: number,
  words: string,
  fill: string,
  size: number,
  anchor = 'middle',
): string =>
  `<text x="${x}" y="${y}" font-size="${size}" fill="${fill}" text-anchor="${anchor}">${escaped(words)}</text>`;

const escaped = (words: string): string =>
  words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
