import type { Measured } from './clients.ts';

export interface Run extends Measured {
  readonly workload: string;
  readonly client: string;
  readonly pair: number;
  /** How many objects were looked at, and how many had to be copied. */
  readonly objects: number;
  readonly moved: number;
  readonly bytes: number;
  /** Requests at the source and at the target, by operation. */
  readonly asked: readonly (Readonly<Record<string, number>> | undefined)[];
}

const columns = [
  'workload',
  'client',
  'seconds',
  'objects/s',
  'MiB/s',
  'ours is',
  'CPU',
  'RSS',
  'requests',
];

/**
 * A line for each workload and client, with medians: `ours is` says how many times faster ours was
 * than that client in the same pairs, CPU is in ms for each object, RSS in MiB, requests are for
 * each object.
 */
export const tableOf = (runs: readonly Run[]): string => {
  const lines = [columns, ...groupsOf(runs).map((group) => lineOf(group, runs))];
  const widths = columns.map((_, index) =>
    Math.max(...lines.map((line) => line[index]?.length ?? 0)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

const groupsOf = (runs: readonly Run[]): readonly (readonly Run[])[] =>
  [
    ...Map.groupBy(
      runs.toSorted((a, b) => order.indexOf(a.client) - order.indexOf(b.client)),
      ({ workload, client }) => `${workload} ${client}`,
    ).values(),
  ].toSorted((a, b) => first(a, runs) - first(b, runs));

const order = ['ours', 'ours-2', 'ours-4', 'guide', 'tuned', 'rclone', 'careful', 'juicefs'];

const first = (group: readonly Run[], runs: readonly Run[]): number =>
  runs.findIndex(({ workload }) => workload === group[0]?.workload);

const lineOf = (group: readonly Run[], runs: readonly Run[]): readonly string[] => {
  const { workload = '', client = '', objects = 1, bytes = 0 } = group[0] ?? {};
  const seconds = median(group.map((run) => run.seconds));
  const ratios = group.flatMap((run) => {
    const ours = runs.find(
      (other) => other.client === 'ours' && other.workload === workload && other.pair === run.pair,
    );
    return ours ? [run.seconds / ours.seconds] : [];
  });
  return [
    workload,
    client,
    seconds.toFixed(2),
    (objects / seconds).toFixed(0),
    (bytes / 2 ** 20 / seconds).toFixed(1),
    client === 'ours' ? '' : `${median(ratios).toFixed(2)}x`,
    ((median(group.map((run) => run.cpuSeconds)) / objects) * 1000).toFixed(3),
    (Math.max(...group.map((run) => run.peakRss)) / 2 ** 20).toFixed(0),
    requestsOf(group[0]),
  ];
};

const requestsOf = (run: Run | undefined): string => {
  if (!run) return '';
  const sums = run.asked.map((counts) =>
    counts ? Object.values(counts).reduce((sum, count) => sum + count, 0) : undefined,
  );
  if (sums.includes(undefined)) return '';
  return sums.map((sum) => ((sum ?? 0) / run.objects).toFixed(2)).join(' + ');
};

const median = (numbers: readonly number[]): number => {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
};
