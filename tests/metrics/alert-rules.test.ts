import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { alertRules } from '../../src/metrics/alert-rules.ts';
import { scrapeData, scrapeUnitData } from '../../src/metrics/databags.ts';
import { needs } from '../rigs/needs.ts';

const topology = {
  ...{ model: 'kubeflow', modelUuid: '2b2bd4f4-3f0a-4c5e-8a8d-0a9d6b8a2c11' },
  ...{ application: 'ckf-backup', unit: 'ckf-backup/0' },
};
interface Group {
  readonly name: string;
  readonly rules: readonly object[];
}

const { groups } = JSON.parse(scrapeData(topology)['alert_rules'] ?? '') as {
  readonly groups: readonly Group[];
};

const hour = 3600;
const day = 24 * hour;

/**
 * A case: what is scraped for so long, and which alerts ring at the end of it, with one label of
 * theirs.
 */
interface Case {
  readonly name: string;
  /** promtool's own notation, a sample every five minutes: `0+300x9` counts seconds. */
  readonly series: Readonly<Record<string, string>>;
  /** Minutes. */
  readonly at: number;
  readonly rings: readonly string[];
}

/** That everything is as it should be for two days. Each case changes something. */
const good = (steps: number): Readonly<Record<string, string>> => ({
  schedule_interval_seconds: `${day}x${steps}`,
  schedule_paused: `0x${steps}`,
  sets: `7x${steps}`,
  last_success_timestamp_seconds: `1x${steps}`,
  assured_set_timestamp_seconds: `1x${steps}`,
  last_success_consistent: `1x${steps}`,
  'last_success_size_bytes{part="mlmd"}': `100x${steps}`,
  'previous_success_size_bytes{part="mlmd"}': `120x${steps}`,
  'last_run_failed{code=""}': `0x${steps}`,
  run_started_timestamp_seconds: `0x${steps}`,
  last_verification_success: `1x${steps}`,
  last_retention_success: `1x${steps}`,
  journal_entries: `0x${steps}`,
  'credentials_valid{system="s3"}': `1x${steps}`,
  'certificate_expiry_timestamp_seconds{system="s3"}': `${400 * day}x${steps}`,
  state_updated_timestamp_seconds: `0+300x${steps}`,
  volumes_schedule_interval_seconds: `${day}x${steps}`,
  'volumes_oldest_success_timestamp_seconds{namespace="alice"}': `0+300x${steps}`,
  'volumes_repository_created_timestamp_seconds{repository="alice"}': `1x${steps}`,
  'volumes_repository_check_timestamp_seconds{repository="alice"}': `0+300x${steps}`,
  'volumes_repository_intact{repository="alice"}': `1x${steps}`,
  stopped_notebooks: `0x${steps}`,
});

const minutes = (count: number, change: Readonly<Record<string, string>> = {}) => ({
  series: { ...good(count / 5), ...change },
  at: count,
});

const cases: readonly Case[] = [
  { name: 'all is well for a day and a half', ...minutes(35 * 60), rings: [] },
  { name: 'a night was left out', ...minutes(36 * 60 + 30), rings: ['CkfBackupMissing'] },
  {
    name: 'there is no schedule, and a backup of some days ago',
    ...minutes(3 * 24 * 60, { schedule_interval_seconds: `0x${(3 * 24 * 60) / 5}` }),
    rings: [],
  },
  {
    name: 'a weekly backup is five days old',
    ...minutes(5 * 24 * 60, { schedule_interval_seconds: `${7 * day}x${(5 * 24 * 60) / 5}` }),
    rings: [],
  },
  {
    name: 'a schedule never made one',
    series: {
      sets: `0x${(27 * 60) / 5}`,
      schedule_interval_seconds: `${day}x${(27 * 60) / 5}`,
      state_updated_timestamp_seconds: `0+300x${(27 * 60) / 5}`,
    },
    at: 27 * 60,
    rings: ['CkfBackupNeverSucceeded'],
  },
  {
    name: 'the last one failed',
    ...minutes(10, {
      'last_run_failed{code="store-denied"}': '1x2',
      'last_run_failed{code=""}': '_x2',
    }),
    rings: ['CkfBackupFailed code=store-denied'],
  },
  {
    name: 'a backup of volumes failed last night',
    ...minutes(60, { 'volumes_slots_total{outcome="failed"}': '0x5 1x6' }),
    rings: ['CkfBackupVolumesFailed'],
  },
  {
    name: 'a backup of volumes was not made',
    ...minutes(60, { 'volumes_slots_total{outcome="missed"}': '3x5 4x6' }),
    rings: ['CkfBackupVolumesFailed'],
  },
  {
    name: 'a backup of volumes failed two days ago, and others were skipped since',
    ...minutes(48 * 60, {
      'volumes_slots_total{outcome="failed"}': `0x2 1x${(48 * 60) / 5 - 3}`,
      'volumes_slots_total{outcome="skipped"}': `0+1x${(48 * 60) / 5}`,
      last_success_timestamp_seconds: `0+300x${(48 * 60) / 5}`,
    }),
    rings: [],
  },
  {
    name: 'a volume of one user was left out for two days and a half',
    ...minutes(60 * 60, {
      'volumes_oldest_success_timestamp_seconds{namespace="bob"}': '1x720',
      last_success_timestamp_seconds: '0+300x720',
    }),
    rings: [],
  },
  {
    name: 'a volume of one user was left out for three days',
    ...minutes(74 * 60, {
      'volumes_oldest_success_timestamp_seconds{namespace="bob"}': '1x888',
      last_success_timestamp_seconds: '0+300x888',
    }),
    rings: ['CkfBackupVolumesOld namespace=bob'],
  },
  {
    name: 'a repository of volumes is damaged',
    ...minutes(10, { 'volumes_repository_intact{repository="bob"}': '0x2' }),
    rings: ['CkfBackupVolumesDamaged repository=bob'],
  },
  {
    name: 'nobody ever looked into a repository of eight days, and into another a week ago',
    ...minutes(8 * 24 * 60, {
      last_success_timestamp_seconds: `0+300x${(8 * 24 * 60) / 5}`,
      assured_set_timestamp_seconds: `0+300x${(8 * 24 * 60) / 5}`,
      'volumes_repository_created_timestamp_seconds{repository="bob"}': `1x${(8 * 24 * 60) / 5}`,
      'volumes_repository_created_timestamp_seconds{repository="carol"}': `1x${(8 * 24 * 60) / 5}`,
      'volumes_repository_check_timestamp_seconds{repository="carol"}': `${day + hour}x${(8 * 24 * 60) / 5}`,
    }),
    rings: ['CkfBackupVolumesNotChecked repository=bob'],
  },
  {
    name: 'volumes have no schedule, and nobody looked into a repository for a month',
    ...minutes(32 * 24 * 60, {
      last_success_timestamp_seconds: `0+300x${(32 * 24 * 60) / 5}`,
      assured_set_timestamp_seconds: `0+300x${(32 * 24 * 60) / 5}`,
      volumes_schedule_interval_seconds: `_x${(32 * 24 * 60) / 5}`,
      'volumes_oldest_success_timestamp_seconds{namespace="alice"}': `1x${(32 * 24 * 60) / 5}`,
      'volumes_repository_check_timestamp_seconds{repository="alice"}': `1x${(32 * 24 * 60) / 5}`,
    }),
    rings: ['CkfBackupVolumesNotChecked repository=alice'],
  },
  {
    name: 'a notebook was not started again',
    ...minutes(20, { stopped_notebooks: '1x4' }),
    rings: ['CkfBackupNotebooksStopped'],
  },
  {
    name: 'something ran meanwhile',
    ...minutes(10, { last_success_consistent: '0x2' }),
    rings: ['CkfBackupNotConsistent'],
  },
  {
    name: 'a set is damaged',
    ...minutes(10, { last_verification_success: '0x2' }),
    rings: ['CkfBackupVerificationFailed'],
  },
  {
    name: 'old sets stay',
    ...minutes(70, { last_retention_success: '0x14' }),
    rings: ['CkfBackupRetentionFailed'],
  },
  {
    name: 'a part shrank',
    ...minutes(10, { 'last_success_size_bytes{part="mlmd"}': '50x2' }),
    rings: ['CkfBackupSizeDropped part=mlmd'],
  },
  {
    name: 'a scale was not put back',
    ...minutes(20, { journal_entries: '1x4' }),
    rings: ['CkfBackupJournalNotEmpty'],
  },
  {
    name: 'a scale is changed while a backup runs',
    ...minutes(20, { journal_entries: '1x4', run_started_timestamp_seconds: '5x4' }),
    rings: [],
  },
  {
    name: 'keys are refused',
    ...minutes(20, { 'credentials_valid{system="s3"}': '0x4' }),
    rings: ['CkfBackupCredentialsRejected system=s3'],
  },
  {
    name: 'an authority ends',
    ...minutes(70, { 'certificate_expiry_timestamp_seconds{system="s3"}': `${13 * day}x14` }),
    rings: ['CkfBackupCertificateExpiring system=s3'],
  },
  {
    name: 'a backup takes seven hours',
    ...minutes(7 * 60, { run_started_timestamp_seconds: `5x${(7 * 60) / 5}` }),
    rings: ['CkfBackupRunTooLong'],
  },
  {
    name: 'a schedule is forgotten',
    ...minutes(49 * 60, {
      schedule_paused: `1x${(49 * 60) / 5}`,
      last_success_timestamp_seconds: `0+300x${(49 * 60) / 5}`,
    }),
    rings: ['CkfBackupSchedulePaused'],
  },
  {
    name: 'no hook ran',
    ...minutes(150, { state_updated_timestamp_seconds: '1x30' }),
    rings: ['CkfBackupStateStale'],
  },
  {
    name: 'every newer set is damaged',
    ...minutes(8 * 24 * 60, { last_success_timestamp_seconds: `0+300x${(8 * 24 * 60) / 5}` }),
    rings: ['CkfBackupAssuranceOld'],
  },
  {
    name: 'no set could be restored',
    ...minutes(70, { assured_set_timestamp_seconds: '_x14' }),
    rings: ['CkfBackupAssuranceOld'],
  },
  ...oneCauseEach(),
];

/** Nine days of one cause, which makes backups missing and old too: one alert rings. */
function oneCauseEach(): readonly Case[] {
  const nine = 9 * 24 * 60;
  const steps = nine / 5;
  const fails = {
    'last_run_failed{code="store-denied"}': `1x${steps}`,
    'last_run_failed{code=""}': `_x${steps}`,
  };
  const none = {
    sets: `0x${steps}`,
    last_success_timestamp_seconds: `_x${steps}`,
    assured_set_timestamp_seconds: `_x${steps}`,
  };
  const juju = { 'credentials_valid{system="juju"}': `0x${steps}` };
  return (
    [
      ['nothing runs', {}, 'CkfBackupMissing'],
      ['each run fails', fails, 'CkfBackupFailed code=store-denied'],
      [
        'each run failed from the first on',
        { ...fails, ...none },
        'CkfBackupFailed code=store-denied',
      ],
      [
        'each run fails at keys that are refused',
        { ...fails, 'credentials_valid{system="s3"}': `0x${steps}` },
        'CkfBackupCredentialsRejected system=s3',
      ],
      ['Juju lets nobody in', juju, 'CkfBackupCredentialsRejected system=juju'],
      [
        'Juju lets nobody in to put a scale back',
        { ...juju, journal_entries: `1x${steps}` },
        'CkfBackupCredentialsRejected system=juju',
      ],
      ['it is paused', { schedule_paused: `1x${steps}` }, 'CkfBackupSchedulePaused'],
      ['a run hangs', { run_started_timestamp_seconds: `5x${steps}` }, 'CkfBackupRunTooLong'],
      ['no hook runs', { state_updated_timestamp_seconds: `1x${steps}` }, 'CkfBackupStateStale'],
      [
        'sets are made, and are damaged',
        {
          last_verification_success: `0x${steps}`,
          last_success_timestamp_seconds: `0+300x${steps}`,
        },
        'CkfBackupVerificationFailed',
      ],
    ] as const
  ).map(([name, change, ring]) => ({
    ...{ name: `for nine days ${name}`, series: { ...good(steps), ...change } },
    ...{ at: nine, rings: [ring] },
  }));
}

const labels =
  'juju_model="kubeflow",juju_application="ckf-backup",instance="a",juju_unit="ckf-backup/0"';
const seriesText = (name: string): string => {
  const [, metric = '', own = ''] = /^(\w+)(?:\{(.*)\})?$/.exec(name) ?? [];
  return `ckf_backup_${metric}{${own === '' ? '' : `${own},`}${labels}}`;
};

/** One test of promtool for each rule: it rings with these labels, or it does not. */
const promtoolTest = ({ name, series, at, rings }: Case) => ({
  name,
  interval: '5m',
  input_series: Object.entries(series).map(([metric, values]) => ({
    series: seriesText(metric),
    values,
  })),
  alert_rule_test: alertRules.map(({ alert, labels: { severity } }) => ({
    eval_time: `${at}m`,
    alertname: alert,
    exp_alerts: rings
      .filter((ring) => ring.split(' ')[0] === alert)
      .map((ring) => ({
        exp_labels: {
          ...{ severity, juju_model: 'kubeflow', juju_application: 'ckf-backup' },
          ...{ juju_model_uuid: topology.modelUuid, juju_charm: 'ckf-backup' },
          ...Object.fromEntries(
            ring
              .split(' ')
              .slice(1)
              .map((pair) => pair.split('=') as [string, string]),
          ),
        },
        exp_annotations: undefined,
      })),
  })),
});

const inDirectory = async (work: (directory: string) => Promise<void>): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'rules-'));
  try {
    await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};

/**
 * promtool compares annotations too, which say what the labels say; so they are taken away for
 * these tests.
 */
const withoutAnnotations = ({ name, rules }: Group): Group => ({
  name,
  rules: rules.map((rule) => ({ ...rule, annotations: {} })),
});

describe('the alert rules', () => {
  it('are nineteen, and are what promtool takes', async function () {
    assert.equal(alertRules.length, 19);
    await needs(this, 'promtool');
    await inDirectory(async (directory) => {
      await writeFile(join(directory, 'rules.yaml'), stringify({ groups }));
      const { stdout } = await execa('promtool', ['check', 'rules', 'rules.yaml'], {
        cwd: directory,
      });
      assert.match(stdout, /SUCCESS: 21 rules found/);
    });
  });

  it('ring when they should, and not otherwise', async function () {
    await needs(this, 'promtool');
    await inDirectory(async (directory) => {
      await writeFile(
        join(directory, 'rules.yaml'),
        stringify({ groups: groups.map(withoutAnnotations) }),
      );
      // What takes days is looked at less often, since each look takes promtool a while.
      const [long, short] = [true, false].map((isLong) =>
        cases.filter(({ at }) => at > 5 * 24 * 60 === isLong),
      );
      for (const [every, some = []] of [
        ['15m', short],
        ['2h', long],
      ] as const) {
        const tests = { rule_files: ['rules.yaml'], evaluation_interval: every };
        await writeFile(
          join(directory, 'tests.yaml'),
          stringify({ ...tests, tests: some.map(promtoolTest) }),
        );
        const { stdout, stderr, exitCode } = await execa(
          'promtool',
          ['test', 'rules', 'tests.yaml'],
          { cwd: directory, reject: false },
        );
        assert.equal(exitCode, 0, `${stdout}\n${stderr}`);
      }
    });
    const ringing = new Set(cases.flatMap(({ rings }) => rings.map((ring) => ring.split(' ')[0])));
    assert.deepEqual([...ringing].sort(), alertRules.map(({ alert }) => alert).sort());
  });

  it('say in which model, and the action to begin with', () => {
    for (const { annotations } of alertRules)
      assert.match(
        annotations.description,
        /\{\{ \$labels\.juju_model \}\}.*juju run .*\/leader [a-z]/,
      );
  });
});

describe('the alerts that others silence', () => {
  it('are those of the table for operators', async () => {
    const page = await readFile(join(import.meta.dirname, '../../docs/how-to/metrics.md'), 'utf8');
    const [, table = ''] = page.split('| silent | while one of these holds |');
    const [rows = ''] = table.split('\n\n');
    const named = [...rows.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, names = '']) =>
      [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    );
    const silenced = alertRules.filter(({ expr }) => expr.includes(' unless ignoring '));
    assert.deepEqual(named.sort(), silenced.map(({ alert }) => alert).sort());
  });
});

describe('the databag of metrics-endpoint', () => {
  it('says where each unit is scraped, and names the groups as the library does', () => {
    const data = scrapeData(topology);
    assert.deepEqual(JSON.parse(data['scrape_metadata'] ?? ''), {
      ...{ model: 'kubeflow', model_uuid: topology.modelUuid, application: 'ckf-backup' },
      ...{ unit: 'ckf-backup/0', charm_name: 'ckf-backup' },
    });
    assert.deepEqual(JSON.parse(data['scrape_jobs'] ?? ''), [
      {
        ...{ metrics_path: '/metrics', scrape_interval: '60s' },
        static_configs: [{ targets: ['*:9409'] }],
      },
    ]);
    assert.deepEqual(
      groups.map(({ name }) => name),
      ['schedule', 'HostHealth'].map((name) => `kubeflow_2b2bd4f4_ckf_backup_${name}_rules`),
    );
    assert.deepEqual(scrapeUnitData(topology, '10.1.2.3'), {
      prometheus_scrape_unit_address: '10.1.2.3',
      prometheus_scrape_unit_name: 'ckf-backup/0',
    });
    for (const value of Object.values(data)) assert.ok(!value.includes('juju_unit":'));
  });
});
