import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { execa } from 'execa';
import { needs } from '../rigs/needs.ts';
import { unitRig } from '../rigs/unit.ts';

const place = fileURLToPath(new URL('../../.tools/consumers', import.meta.url));
const program = fileURLToPath(new URL('consumers/consume.py', import.meta.url));

type Bags = Readonly<Record<string, { readonly app: object; readonly unit: object }>>;

/** What the real hooks write into the databags of these relations. */
const writtenBags = async (): Promise<Bags> => {
  const rig = unitRig();
  rig.tools.options = {
    ...rig.tools.options,
    ...{ schedule: '0 2 * * *', 'dashboard-url': 'https://grafana.example.com/d/ckf-backup' },
  };
  const relate = (endpoint: string, application: string, remote = {}) => {
    const bags = { app: {}, unit: {} };
    const ours = { ours: bags.app, unit: bags.unit };
    rig.tools.relations.set(`${endpoint}:2${application.length}`, {
      ...{ application, remote, ...ours },
    });
    return bags;
  };
  const bags = {
    'metrics-endpoint': relate('metrics-endpoint', 'prometheus'),
    'grafana-dashboard': relate('grafana-dashboard', 'grafana'),
    logging: relate('logging', 'loki'),
    'dashboard-links': relate('dashboard-links', 'kubeflow-dashboard'),
    's3-parameters': relate('kfp-db', 'kfp-db', { bucket: 'relation-27' }),
  };
  await rig.run('config-changed');
  return bags;
};

interface Consumed {
  readonly missing?: string;
  readonly read?: unknown;
  readonly answer?: Readonly<Record<string, string>>;
}

/** All values of a databag are texts; some of them hold JSON, of this form. */
const text = { type: 'string', minLength: 1 } as const;
const uuid = { type: 'string', pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]' } as const;
const object = (properties: Readonly<Record<string, object>>, closed = true) => ({
  ...{ type: 'object', properties, required: Object.keys(properties) },
  ...(closed && { additionalProperties: false }),
});
const topology = { model: text, model_uuid: uuid, application: text, unit: text };
const metadata = object({ ...topology, charm_name: text });
const rule = object({
  ...{ alert: text, expr: text, for: { type: 'string', pattern: '^\\d+[mh]$' } },
  labels: object(
    { severity: text, juju_model: text, juju_model_uuid: uuid, juju_application: text },
    false,
  ),
  annotations: object({ summary: text, description: text }),
});
const groups = {
  ...{ type: 'array', minItems: 2 },
  items: object({
    name: { type: 'string', pattern: '^[A-Za-z0-9_:]+_rules$' },
    rules: { type: 'array', minItems: 1, items: rule },
  }),
};

/** By relation and key: the form of the JSON in it, or of the text itself. */
const schemas: Readonly<Record<string, Readonly<Record<string, object>>>> = {
  'metrics-endpoint': {
    scrape_metadata: metadata,
    scrape_jobs: {
      ...{ type: 'array', minItems: 1 },
      items: object({
        ...{ metrics_path: { const: '/metrics' }, scrape_interval: text },
        static_configs: {
          type: 'array',
          items: object({
            targets: { type: 'array', items: { type: 'string', pattern: '^\\*:' } },
          }),
        },
      }),
    },
    alert_rules: object({ groups }),
  },
  'grafana-dashboard': {
    dashboards: object({
      uuid: text,
      templates: object({
        'file:ckf-backup': object({
          charm: text,
          content: { type: 'string', pattern: '^[A-Za-z0-9+/]+=*$' },
          juju_topology: object(topology),
          inject_dropdowns: { type: 'boolean' },
          dashboard_alt_uid: { type: 'string', pattern: '^[0-9a-f]{16}$' },
        }),
      }),
    }),
  },
  logging: { metadata, alert_rules: object({}) },
  'dashboard-links': {
    dashboard_links: {
      type: 'array',
      items: object({
        ...{ text, link: { type: 'string', pattern: '^https?://' }, desc: { type: 'string' } },
        ...{ type: { const: 'item' }, icon: text, location: { enum: ['external', 'menu'] } },
      }),
    },
  },
};

describe('our databags', () => {
  it('have the form that those who read them describe, key by key', async () => {
    const bags = await writtenBags();
    const ajv = new Ajv({ allErrors: true });
    for (const [relation, keys] of Object.entries(schemas)) {
      const app = Object.entries<string>({ ...bags[relation]?.app });
      assert.deepEqual(app.map(([key]) => key).sort(), Object.keys(keys).sort(), relation);
      for (const [key, value] of app) {
        const isValid = ajv.validate(keys[key] ?? {}, JSON.parse(value));
        assert.ok(isValid, `${relation} ${key}: ${ajv.errorsText()}`);
      }
    }
    assert.deepEqual(Object.keys(bags['metrics-endpoint']?.unit ?? {}).sort(), [
      'prometheus_scrape_unit_address',
      'prometheus_scrape_unit_name',
    ]);
  });
});

describe('the Python of those who read our databags', () => {
  let found: Readonly<Record<string, Consumed>> | undefined;

  before(async function () {
    const python = `${place}/bin/python`;
    if (!existsSync(python)) await needs(this, 'the consumers (scripts/consumers)');
    const input = JSON.stringify(await writtenBags());
    const env = { PYTHONPATH: `${place}/charm-libs` };
    const { stdout } = await execa(python, [program], { input, env });
    found = JSON.parse(stdout) as Record<string, Consumed>;
  });

  /** What the consumer of a relation read; skips the test when its library is not there. */
  const readOf = async (test: Mocha.Context, relation: string): Promise<unknown> => {
    const { read, missing, answer } = found?.[relation] ?? assert.fail(`nothing of ${relation}`);
    if (missing !== undefined) await needs(test, `the library ${missing} (scripts/consumers)`);
    assert.doesNotMatch(answer?.['event'] ?? '', /error/);
    return read;
  };

  it('is of one mind with us about the dashboard, its uid and the topology', () => {
    assert.deepEqual(found?.['cosl'], {
      ...{ title: 'Charmed Kubeflow Backup', uid: true },
      identifier: 'kubeflow_6bf1b3d6_ckf-backup',
    });
  });

  it('scrapes each unit, and takes all alert rules', async function () {
    const read = await readOf(this, 'metrics-endpoint');
    assert.partialDeepStrictEqual(read, {
      jobs: [
        {
          job_name: 'juju_kubeflow_6bf1b3d6_ckf-backup_prometheus_scrape-0',
          metrics_path: '/metrics',
          static_configs: [{ labels: { juju_unit: 'ckf-backup/0', juju_charm: 'ckf-backup' } }],
        },
      ],
    });
    const text = JSON.stringify(read);
    for (const alert of ['CkfBackupMissing', 'CkfBackupAssuranceOld', 'HostDown'])
      assert.ok(text.includes(`"alert":"${alert}"`), alert);
  });

  it('shows the dashboard', async function () {
    assert.partialDeepStrictEqual(await readOf(this, 'grafana-dashboard'), [
      { id: 'file:ckf-backup', charm: 'ckf-backup', dashboard_title: 'Charmed Kubeflow Backup' },
    ]);
  });

  it('takes the logs of runs, and no rules', async function () {
    assert.deepEqual(await readOf(this, 'logging'), { alerts: {} });
  });

  it('shows the link in Kubeflow’s dashboard', async function () {
    assert.partialDeepStrictEqual(await readOf(this, 'dashboard-links'), [
      { text: 'Backups', link: 'https://grafana.example.com/d/ckf-backup', type: 'item' },
    ]);
  });

  it('gives a database the place for its backups', async function () {
    const read = await readOf(this, 's3-parameters');
    assert.partialDeepStrictEqual(read, {
      ...{ bucket: 'ckf-backups', path: 'kubeflow/kfp-db', 'access-key': 'AK' },
      endpoint: 'https://s3.example.com',
    });
  });
});
