import { type Panel, logs, stat, table, timeSeries } from './panels.ts';

/**
 * Raised with each change: of several dashboards with one uid, Grafana's charm shows the one with
 * the highest version.
 */
const version = 5;

/** A metric of whichever unit has it. */
const m = (name: string): string => `max without (instance, juju_unit) (ckf_backup_${name})`;

const hour = 3600;
const day = 24 * hour;

/**
 * What an operator wants to see of backups, the most urgent at the top left. The expressions have
 * no topology: Grafana's charm adds it, but only to panels at the top level, so there are no rows.
 */
export const panels: readonly Panel[] = [
  stat('Age of the last set', `time() - ${m('last_success_timestamp_seconds')}`, {
    unit: 's',
    steps: [
      [0, 'green'],
      [1.5 * day, 'orange'],
      [3 * day, 'red'],
    ],
  }),
  stat('Next run', `${m('schedule_next_run_timestamp_seconds')} * 1000`, {
    unit: 'dateTimeFromNow',
  }),
  stat('Last run', m('last_run_failed'), {
    legend: '{{code}}',
    words: { 0: ['succeeded', 'green'], 1: ['failed', 'red'] },
  }),
  stat('Could go back by', `time() - ${m('assured_set_timestamp_seconds')}`, {
    unit: 's',
    steps: [
      [0, 'green'],
      [3 * day, 'orange'],
      [7 * day, 'red'],
    ],
  }),
  stat('Sets kept', m('sets'), {
    steps: [
      [0, 'red'],
      [1, 'green'],
    ],
  }),
  stat('Last set', m('last_success_consistent'), {
    words: { 0: ['not consistent', 'orange'], 1: ['consistent', 'green'] },
  }),
  stat('Last proof', `time() - ${m('last_verification_timestamp_seconds')}`, {
    unit: 's',
    steps: [
      [0, 'green'],
      [31 * day, 'orange'],
    ],
  }),
  stat('Scales to put back', m('journal_entries'), {
    steps: [
      [0, 'green'],
      [1, 'red'],
    ],
  }),
  timeSeries('Size of the parts', m('last_success_size_bytes'), {
    ...{ unit: 'bytes', axis: 'size' },
    legend: '{{part}}',
    stacked: true,
  }),
  timeSeries('Duration by part', m('last_success_part_duration_seconds'), {
    ...{ unit: 's', axis: 'duration' },
    legend: '{{part}}',
    stacked: true,
  }),
  timeSeries('Runs of a day', 'sum by (outcome) (increase(ckf_backup_runs_total[1d]))', {
    ...{ axis: 'runs', legend: '{{outcome}}' },
    bars: true,
  }),
  timeSeries('Objects', m('last_success_objects'), { axis: 'objects', legend: '{{part}}' }),
  timeSeries('Sets', m('sets'), { axis: 'sets', legend: 'sets' }),
  table('Not protected', m('not_protected'), {
    label: 'kind',
    steps: [
      [0, 'green'],
      [1, 'orange'],
    ],
  }),
  table('Credentials', m('credentials_valid'), {
    label: 'system',
    words: { 0: ['refused', 'red'], 1: ['valid', 'green'] },
  }),
  timeSeries(
    "Oldest backup of users' volumes",
    `time() - ${m('volumes_oldest_success_timestamp_seconds')}`,
    { ...{ unit: 's', axis: 'age' }, legend: '{{namespace}}' },
  ),
  timeSeries(
    'Last look into repositories of volumes',
    `time() - ${m('volumes_repository_check_timestamp_seconds')}`,
    { ...{ unit: 's', axis: 'time since' }, legend: '{{repository}}' },
  ),
];

/** What runs said, for those who relate `logging`. */
const runLog = logs('What backups said', '{charm="ckf-backup"}');

/** The dashboard as Grafana imports it. */
export const dashboard = (uid: string) => ({
  ...{ uid, version, title: 'Charmed Kubeflow Backup', schemaVersion: 39, editable: true },
  tags: ['charm: ckf-backup'],
  time: { from: 'now-30d', to: 'now' },
  refresh: '5m',
  templating: { list: [] },
  annotations: { list: [] },
  panels: arranged([...panels, runLog]),
});

/** Small ones eight in a row, large ones two; a table has half the width of a large one. */
const arranged = (all: readonly Panel[]) => {
  let [x, y, height] = [0, 0, 0];
  return all.map((panel, index) => {
    const {
      size: { w, h },
      ...model
    } = panel;
    if (x + w > 24) [x, y] = [0, y + height];
    const placed = { id: index + 1, gridPos: { x, y, w, h }, ...model };
    [x, height] = [x + w, h];
    return placed;
  });
};
