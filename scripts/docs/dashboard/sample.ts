import type { MetricFacts } from '../../../src/metrics/facts.ts';
import { familiesOf } from '../../../src/metrics/families.ts';

/** When the picture is taken, and how far back it goes; seconds. */
export const end = Date.parse('2026-11-26T08:00:00Z') / 1000;
export const days = 30;
const [hour, day] = [3600, 86_400];
/** Seconds between two scrapes of the sample. */
export const step = 3 * 3600;

/** Nights on which no backup was made, counted back from the end, and why. */
const failures: ReadonlyMap<number, string> = new Map([
  [9, 'store-unreachable'],
  [21, 'workloads-running'],
]);

/**
 * A month of a nightly schedule, as the exporter would have told it, in the OpenMetrics text that
 * promtool makes blocks from.
 */
export const sampleText = (): string => {
  const samples = new Map<string, { type: string; lines: string[] }>();
  for (let time = end - days * day; time <= end; time += step)
    for (const { name, type, samples: values } of familiesOf(factsAt(time))) {
      // The family of a counter has no suffix in OpenMetrics.
      const family = name.replace(/_total$/, '').replace(/_info$/, '');
      const kind = name.endsWith('_info') ? 'info' : type;
      const known = samples.get(family) ?? { type: kind, lines: [] };
      samples.set(family, known);
      for (const { labels, value } of values) {
        const pairs = Object.entries({ ...labels, ...topology }).map(
          ([key, text]) => `${key}="${text}"`,
        );
        known.lines.push(`${name}{${pairs.join(',')}} ${value} ${time}`);
      }
    }
  const families = [...samples].map(([family, { type, lines }]) =>
    [`# TYPE ${family} ${type}`, ...seriesBySeries(lines)].join('\n'),
  );
  return `${families.join('\n')}\n# EOF\n`;
};

const topology = { juju_application: 'ckf-backup', juju_unit: 'ckf-backup/0', instance: 'unit-0' };

/** All samples of a series have to stand together. */
const seriesBySeries = (lines: readonly string[]): readonly string[] => {
  const series = Map.groupBy(lines, (line) => line.slice(0, line.indexOf('}')));
  return [...series.values()].flat();
};

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();

const factsAt = (time: number): MetricFacts => {
  const night = (ago: number): number => Math.floor(end / day) * day - ago * day + 2 * 3600;
  const all = Array.from({ length: days + 8 }, (_, ago) => ago).filter((ago) => night(ago) <= time);
  const good = all.filter((ago) => !failures.has(ago));
  const [newest = 0, previous = 0] = good;
  const last = all[0] ?? 0;
  const failed = failures.get(last);
  const counted = all.filter((ago) => ago < days);
  return {
    format: 1,
    ...{ version: '1.0.0', leader: true, updated: iso(time), journalEntries: 0 },
    schedule: { interval: day, paused: false, next: iso(night(last) + day) },
    sets: {
      count: Math.min(14, good.length),
      newest: {
        ...{ id: iso(night(newest)), seconds: 700 + 3 * (days - newest), consistent: true },
        parts: partsOf(newest),
      },
      previous: Object.fromEntries(
        Object.entries(partsOf(previous)).map(([part, { size }]) => [part, size]),
      ),
      assured: iso(night(newest)),
    },
    lastRun: { at: iso(night(last)), ...(failed !== undefined && { failedWith: failed }) },
    runs: {
      'succeeded/schedule': counted.filter((ago) => !failures.has(ago)).length,
      'failed/schedule': counted.filter((ago) => failures.has(ago)).length,
    },
    verification: { intact: true, at: iso(end - 3 * day) },
    stoppedNotebooks: 0,
    volumesSchedule: { interval: day, paused: false, next: iso(night(last) + day + hour) },
    volumes: volumesAt(night(last) + hour),
    retentionWorked: true,
    notProtected: {
      ...{ component: 0, database: 1, bucket: 2, volume: 0 },
      'custom-resource': 41,
    },
    credentials: { juju: true, s3: true, 'object-storage': true },
  };
};

/** Three users, of whom one's notebook could not be backed up for four nights two weeks ago. */
const volumesAt = (night: number): NonNullable<MetricFacts['volumes']> => {
  const ago = (end - night) / day;
  const last = ago > 13 && ago < 17 ? Math.floor(end / day) * day - 17 * day + 3 * hour : night;
  const looked = { created: iso(end - 60 * day), checked: iso(night + hour), intact: true };
  return {
    namespaces: { alice: iso(night), bob: iso(last), carol: iso(night) },
    repositories: { alice: looked, bob: looked, carol: looked },
  };
};

/** Grows by the night, with a larger experiment two weeks ago. */
const partsOf = (ago: number) => {
  const grown = days - ago;
  const jump = ago < 14 ? 1.6e9 : 0;
  return {
    'kfp-db': { size: 4e8 + 6e6 * grown, objects: 40, seconds: 150 + grown },
    'katib-db': { size: 2e8 + 1e6 * grown, objects: 40, seconds: 110 },
    mlmd: { size: 3e7 + 1e6 * grown, seconds: 9 },
    mlpipeline: {
      size: 3e9 + 7e7 * grown + jump,
      objects: 90_000 + 1500 * grown,
      seconds: 430 + 2 * grown,
    },
  };
};
