/** A panel of Grafana's, without its place. */
export interface Panel {
  readonly title: string;
  readonly type: 'stat' | 'timeseries' | 'table' | 'logs';
  readonly datasource: object;
  readonly targets: readonly [
    {
      readonly refId: 'A';
      readonly expr: string;
      readonly legendFormat: string;
      readonly datasource: object;
      readonly [key: string]: unknown;
    },
  ];
  readonly fieldConfig: object;
  readonly options: object;
  /** Of the 24 columns, and of the height. */
  readonly size: { readonly w: number; readonly h: number };
  readonly [key: string]: unknown;
}

/** Grafana's charm puts the data sources of its relations in their place. */
const datasource = { type: 'prometheus', uid: '${prometheusds}' };
const loki = { type: 'loki', uid: '${lokids}' };

interface Colours {
  /** From this value on, in this colour. */
  readonly steps?: readonly (readonly [number, string])[];
  /** Words and a colour in place of a value. */
  readonly words?: Readonly<Record<number, readonly [string, string]>>;
}

interface StatOptions extends Colours {
  readonly unit?: string;
  readonly legend?: string;
}

/** One value, large. */
export const stat = (
  title: string,
  expr: string,
  { unit, legend = '', ...colours }: StatOptions,
): Panel => ({
  ...{ title, type: 'stat', datasource },
  targets: [{ ...target(expr, legend), instant: true }],
  fieldConfig: {
    defaults: {
      ...(unit !== undefined && { unit }),
      noValue: 'not known',
      ...coloured(colours),
    },
    overrides: [],
  },
  options: {
    colorMode: 'value',
    graphMode: 'none',
    textMode: legend === '' ? 'value' : 'value_and_name',
    reduceOptions: { calcs: ['lastNotNull'] },
  },
  size: { w: 3, h: 4 },
});

interface TimeSeriesOptions {
  /** In Grafana's words; a whole number without one. */
  readonly unit?: string;
  /** What the vertical axis counts. */
  readonly axis: string;
  readonly legend: string;
  readonly stacked?: boolean;
  readonly bars?: boolean;
}

export const timeSeries = (
  title: string,
  expr: string,
  { unit, axis, legend, stacked = false, bars = false }: TimeSeriesOptions,
): Panel => ({
  ...{ title, type: 'timeseries', datasource },
  targets: [target(expr, legend)],
  ...(bars && { interval: '1d' }),
  fieldConfig: {
    defaults: {
      ...(unit === undefined ? { unit: 'short', decimals: 0 } : { unit }),
      min: 0,
      custom: {
        axisLabel: axis,
        drawStyle: bars ? 'bars' : 'line',
        lineInterpolation: 'stepAfter',
        fillOpacity: stacked ? 40 : bars ? 80 : 10,
        stacking: { mode: stacked || bars ? 'normal' : 'none' },
      },
    },
    overrides: [],
  },
  options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } },
  size: { w: 12, h: 8 },
});

/** A row for each value of a label, with a colour or a word for its number. */
export const table = (
  title: string,
  expr: string,
  { label, ...colours }: Colours & { readonly label: string },
): Panel => ({
  ...{ title, type: 'table', datasource },
  targets: [{ ...target(expr, ''), instant: true, format: 'table' }],
  fieldConfig: {
    defaults: {
      noValue: 'not known',
      custom: { cellOptions: { type: 'color-text' } },
      ...coloured(colours),
    },
    overrides: [],
  },
  options: { showHeader: false },
  transformations: [
    { id: 'filterFieldsByName', options: { include: { names: [label, 'Value'] } } },
  ],
  size: { w: 6, h: 8 },
});

/** Lines of Loki, the newest first. */
export const logs = (title: string, expr: string): Panel => ({
  ...{ title, type: 'logs', datasource: loki },
  targets: [{ ...target(expr, ''), datasource: loki }],
  fieldConfig: { defaults: {}, overrides: [] },
  options: { showTime: true, wrapLogMessage: true, sortOrder: 'Descending' },
  size: { w: 24, h: 10 },
});

const target = (expr: string, legendFormat: string) =>
  ({ refId: 'A', expr, legendFormat, datasource }) as const;

const coloured = ({ steps = [[0, 'text']], words = {} }: Colours) => ({
  thresholds: {
    mode: 'absolute',
    steps: steps.map(([value, color], index) => ({ color, value: index === 0 ? null : value })),
  },
  mappings: Object.keys(words).length === 0 ? [] : [mapping(words)],
});

const mapping = (words: NonNullable<Colours['words']>) => ({
  type: 'value',
  options: Object.fromEntries(
    Object.entries(words).map(([value, [text, color]]) => [value, { text, color }]),
  ),
});
