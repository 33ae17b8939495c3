import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { dashboardData } from '../../src/metrics/dashboard-databag.ts';
import { dashboard, panels } from '../../src/metrics/dashboard.ts';
import { xzOf } from '../../src/metrics/xz.ts';
import { needs } from '../rigs/needs.ts';

/** Scraped for a day, five minutes apart, of a leader and of another unit that tells little. */
const steps = (24 * 60) / 5;
const leader = 'juju_unit="ckf-backup/0",instance="a",juju_application="ckf-backup"';
const other = 'juju_unit="ckf-backup/1",instance="b",juju_application="ckf-backup"';
const now = 24 * 3600;

const series: Readonly<Record<string, string>> = {
  last_success_timestamp_seconds: `7200x${steps}`,
  assured_set_timestamp_seconds: `3600x${steps}`,
  last_verification_timestamp_seconds: `600x${steps}`,
  schedule_next_run_timestamp_seconds: `93600x${steps}`,
  'last_run_failed{code="store-denied"}': `1x${steps}`,
  sets: `14x${steps}`,
  last_success_consistent: `1x${steps}`,
  journal_entries: `0x${steps}`,
  'last_success_size_bytes{part="mlmd"}': `800x${steps}`,
  'last_success_part_duration_seconds{part="mlmd"}': `7x${steps}`,
  'last_success_objects{part="kfp-db"}': `40x${steps}`,
  'runs_total{outcome="succeeded",trigger="schedule"}': `0+1x${steps}`,
  'runs_total{outcome="succeeded",trigger="operator"}': `0+1x${steps}`,
  'not_protected{kind="bucket"}': `2x${steps}`,
  'credentials_valid{system="s3"}': `1x${steps}`,
  'volumes_oldest_success_timestamp_seconds{namespace="alice"}': `3600x${steps}`,
  'volumes_repository_check_timestamp_seconds{repository="alice"}': `7200x${steps}`,
};

/** What each panel shows of that: its labels besides the application's, and the value. */
const shown: Readonly<Record<string, readonly [string, number]>> = {
  'Age of the last set': ['', now - 7200],
  'Next run': ['', 93_600_000],
  'Last run': ['code="store-denied"', 1],
  'Could go back by': ['', now - 3600],
  'Sets kept': ['', 14],
  'Last set': ['', 1],
  'Last proof': ['', now - 600],
  'Scales to put back': ['', 0],
  'Size of the parts': ['part="mlmd"', 800],
  'Duration by part': ['part="mlmd"', 7],
  'Runs of a day': ['outcome="succeeded"', 2 * steps],
  Objects: ['part="kfp-db"', 40],
  Sets: ['', 14],
  'Not protected': ['kind="bucket"', 2],
  Credentials: ['system="s3"', 1],
  "Oldest backup of users' volumes": ['namespace="alice"', now - 3600],
  'Last look into repositories of volumes': ['repository="alice"', now - 7200],
};

const metricName = /^(\w+)(?:\{(.*)\})?$/;

const inputOf = (labels: string, names: readonly string[]) =>
  names.map((name) => {
    const [, metric = '', own = ''] = metricName.exec(name) ?? [];
    return {
      series: `ckf_backup_${metric}{${own === '' ? '' : `${own},`}${labels}}`,
      values: series[name],
    };
  });

const labelsOf = (title: string, own: string): string => {
  if (title === 'Runs of a day') return `{${own}}`;
  return `{${own === '' ? '' : `${own}, `}juju_application="ckf-backup"}`;
};

describe('the dashboard', () => {
  it('has a panel for each value, and every expression gives it', async function () {
    assert.deepEqual(
      panels.map(({ title }) => title),
      Object.keys(shown),
    );
    await needs(this, 'promtool');
    const directory = await mkdtemp(join(tmpdir(), 'dashboard-'));
    try {
      const test = {
        interval: '5m',
        input_series: [
          ...inputOf(leader, Object.keys(series)),
          ...inputOf(other, ['journal_entries']),
        ],
        promql_expr_test: panels.map(({ title, targets: [{ expr }] }) => {
          const [own, value] = shown[title] ?? assert.fail(title);
          // Prometheus extrapolates an increase to the window's ends.
          const isIncrease = title === 'Runs of a day';
          return {
            expr: isIncrease ? `round(${expr})` : expr,
            eval_time: '24h',
            exp_samples: [{ labels: labelsOf(title, own), value }],
          };
        }),
      };
      await writeFile(join(directory, 'tests.yaml'), stringify({ rule_files: [], tests: [test] }));
      const { stdout, stderr, exitCode } = await execa(
        'promtool',
        ['test', 'rules', 'tests.yaml'],
        {
          ...{ cwd: directory, reject: false },
        },
      );
      assert.equal(exitCode, 0, `${stdout}\n${stderr}`);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it('is drawn in the documentation with every panel', async () => {
    const picture = await readFile(
      join(import.meta.dirname, '../../docs/images/dashboard.svg'),
      'utf8',
    );
    for (const { title } of panels) assert.ok(picture.includes(`>${title}</text>`), title);
  });

  it('says of each axis what it counts and in which unit, as the picture does', async () => {
    const axes = panels
      .filter(({ type }) => type === 'timeseries')
      .map(({ title, fieldConfig }) => {
        const { defaults } = fieldConfig as {
          readonly defaults: { unit: string; custom: { axisLabel: string } };
        };
        return `${title}: ${defaults.custom.axisLabel} in ${defaults.unit}`;
      });
    assert.deepEqual(axes, [
      'Size of the parts: size in bytes',
      'Duration by part: duration in s',
      'Runs of a day: runs in short',
      'Objects: objects in short',
      'Sets: sets in short',
      "Oldest backup of users' volumes: age in s",
      'Last look into repositories of volumes: time since in s',
    ]);
    const picture = await readFile(
      join(import.meta.dirname, '../../docs/images/dashboard.svg'),
      'utf8',
    );
    for (const label of ['size', 'duration', 'runs', 'objects', 'sets', 'age', 'time since'])
      assert.ok(picture.includes(`>${label}</text></g>`), label);
  });

  it('has its panels at the top level, side by side, and none over another', () => {
    const { panels: placed, version, tags } = dashboard('uid');
    assert.ok(Number.isInteger(version));
    assert.deepEqual(tags, ['charm: ckf-backup']);
    const taken = new Set<string>();
    for (const { type, gridPos, datasource } of placed) {
      assert.ok(['stat', 'timeseries', 'table', 'logs'].includes(type));
      assert.deepEqual(
        datasource,
        type === 'logs'
          ? { type: 'loki', uid: '${lokids}' }
          : { type: 'prometheus', uid: '${prometheusds}' },
      );
      assert.ok(gridPos.x + gridPos.w <= 24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.ok(!taken.has(`${x},${y}`), `two panels at ${x},${y}`);
          taken.add(`${x},${y}`);
        }
    }
    assert.equal(new Set(placed.map(({ id }) => id)).size, placed.length);
  });
});

const topology = {
  ...{ model: 'kubeflow', modelUuid: '2b2bd4f4-3f0a-4c5e-8a8d-0a9d6b8a2c11' },
  ...{ application: 'ckf-backup', unit: 'ckf-backup/0' },
};

describe('the databag of grafana-dashboard', () => {
  it('is what the decoder of Grafana’s charm reads, and does not change by itself', async () => {
    const data = dashboardData(topology);
    assert.deepEqual(dashboardData(topology), data);
    const { templates } = JSON.parse(data['dashboards'] ?? '') as {
      templates: Record<string, { content: string; dashboard_alt_uid: string }>;
    };
    const template = templates['file:ckf-backup'] ?? assert.fail();
    // As cosl/utils.py does it.
    const decode =
      'import sys,base64,lzma; sys.stdout.buffer.write(lzma.decompress(base64.b64decode(sys.stdin.read())))';
    const { stdout } = await execa('python3', ['-c', decode], { input: template.content });
    const decoded = JSON.parse(stdout) as { uid: string; title: string };
    assert.equal(decoded.title, 'Charmed Kubeflow Backup');
    assert.deepEqual(decoded, JSON.parse(JSON.stringify(dashboard(decoded.uid))));
    // As cosl/utils.py makes them.
    const uids = `import hashlib; print(hashlib.shake_256(b'ckf-backup-src/dashboard.json').hexdigest(20), hashlib.shake_256(b'ckf-backup-file:ckf-backup').hexdigest(8))`;
    const made = await execa('python3', ['-c', uids]);
    assert.equal(made.stdout, `${decoded.uid} ${template.dashboard_alt_uid}`);
  });
});

describe('an .xz file', () => {
  it('is read by Python as what went in, whatever its size', async () => {
    for (const size of [0, 1, 3, 4, 65_535, 65_536, 65_537, 200_001]) {
      const bytes = Buffer.from(Array.from({ length: size }, (_, index) => (index * 31) % 251));
      const read =
        'import sys,lzma; sys.stdout.buffer.write(lzma.decompress(sys.stdin.buffer.read()))';
      const { stdout } = await execa('python3', ['-c', read], {
        ...{ input: xzOf(bytes), encoding: 'buffer', stripFinalNewline: false },
      });
      assert.ok(bytes.equals(Buffer.from(stdout)), `${size} bytes`);
    }
  });

  it('passes the test of xz itself', async function () {
    await needs(this, 'xz');
    for (const size of [0, 70_000])
      await execa('xz', ['--test'], { input: xzOf(Buffer.alloc(size, 'abc')) });
    const broken = xzOf(Buffer.alloc(100));
    broken[40] = 7;
    await assert.rejects(execa('xz', ['--test'], { input: broken }));
  });
});
