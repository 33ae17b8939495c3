import assert from 'node:assert/strict';
import { handle } from '../../src/charm.ts';
import { CharmError } from '../../src/errors.ts';
import { updateMetrics } from '../../src/hooks/metrics.ts';
import { assess } from '../../src/hooks/assess.ts';
import { parseFacts } from '../../src/metrics/facts.ts';
import { layoutOf, backupIdAt } from '../../src/repository/layout.ts';
import { keepProof } from '../../src/repository/proofs.ts';
import type { JujuModel, World } from '../../src/world.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeCluster } from '../fakes/cluster.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { aManifest } from '../rigs/manifest.ts';
import { targetIn } from '../rigs/target.ts';
import { unitRig } from '../rigs/unit.ts';

/** A unit whose metrics somebody collects, with an S3 that has two sets. */
const aCollectedUnit = () => {
  const rig = unitRig();
  const [ours, unitData] = [{}, {}] as [Record<string, string>, Record<string, string>];
  rig.tools.relations.set('metrics-endpoint:9', {
    ...{ application: 'prometheus', remote: {}, ours, unit: unitData },
  });
  const store = new FakeObjectStore({ description: 'bucket backups at http://s3.test' });
  const target = targetIn(store);
  const seed = (time: string, consistent: boolean) => {
    const id = backupIdAt(new Date(time));
    const manifest = aManifest({ id, started: time, consistent });
    store.seed(layoutOf(target.prefix).manifest(id), JSON.stringify(manifest));
    const { mlmd, buckets } = manifest;
    for (const { key = '', size = 0 } of [mlmd ?? {}, ...buckets.map(({ list }) => list)])
      store.seed(key, 'x'.repeat(size));
  };
  seed('2026-11-24T02:00:00Z', true);
  seed('2026-11-25T02:00:00Z', false);
  const state = {
    ...{ opened: 0, away: undefined as CharmError | undefined },
    /** Names of databases that have no relation; what cannot be looked at is away. */
    databases: [] as string[] | CharmError,
    cluster: undefined as FakeCluster | undefined,
  };
  const away = (what: string) => async () => {
    throw new CharmError('kubernetes-unreachable', `${what} is away.`);
  };
  const openJuju = async (): Promise<JujuModel> => {
    const { databases } = state;
    if (databases instanceof CharmError) throw databases;
    const juju: Partial<Record<keyof JujuModel, unknown>> = {
      status: async () => ({
        applications: new Map(databases.map((name) => [name, { name, charm: 'mysql-k8s' }])),
      }),
      [Symbol.asyncDispose]: async () => undefined,
    };
    return juju as JujuModel;
  };
  const unit = {
    ...rig.unit,
    openWorld: async (...argv: Parameters<typeof rig.unit.openWorld>): Promise<World> => ({
      ...(await rig.unit.openWorld(...argv)),
      ...{ openJuju, relatedDatabase: async () => undefined, openSource: away('MinIO') },
      ...{
        openKubernetes: away('Kubernetes'),
        openCluster: async () => state.cluster ?? away('The cluster')(),
      },
      clock: new FakeClock(),
      openTarget: async () => {
        state.opened++;
        if (state.away) throw state.away;
        return target;
      },
    }),
  };
  return Object.assign(state, {
    ...{ rig, unit, seed, target, ours, unitData },
    facts: () => parseFacts(rig.journal.facts ?? '') ?? assert.fail('no facts'),
    hook: (name: string, relationId?: string) => handle({ kind: 'hook', name, relationId }, unit),
    /** As charm.ts says it when an action has ended. */
    ended: async (name: string, ...failures: CharmError[]) =>
      updateMetrics(unit, { assessment: await assess(unit), action: { name, failures } }),
  });
};

describe('metrics', () => {
  it('cost nothing while nobody collects them', async () => {
    const rig = unitRig();
    await rig.run('config-changed');
    await rig.run('update-status');
    assert.equal(rig.journal.facts, undefined);
    assert.equal(rig.exporter.ensured, 0);
  });

  it('are served, and said where, once somebody collects them', async () => {
    const { rig, ...collected } = aCollectedUnit();
    await collected.hook('metrics-endpoint-relation-created', 'metrics-endpoint:9');
    assert.equal(rig.exporter.ensured, 1);
    assert.deepEqual(Object.keys(collected.ours).sort(), [
      ...['alert_rules', 'scrape_jobs', 'scrape_metadata'],
    ]);
    assert.equal(collected.unitData['prometheus_scrape_unit_address'], '10.1.0.1');
    assert.partialDeepStrictEqual(collected.facts(), {
      ...{ version: '1.2.3', leader: true, journalEntries: 0, runs: {} },
      schedule: { interval: 0, paused: false },
      credentials: { juju: true, s3: true },
    });
    const { sets } = collected.facts();
    assert.partialDeepStrictEqual(sets, {
      ...{ count: 2, oldest: '2026-11-24T02:00:00Z', assured: '2026-11-25T02:00:00Z' },
      newest: { id: '2026-11-25T02:00:00Z', consistent: false },
    });
  });

  it('are told by each unit, and by those that do not lead without a word of backups', async () => {
    const { rig, ...collected } = aCollectedUnit();
    rig.tools.leader = false;
    await collected.hook('start');
    assert.deepEqual(collected.ours, {});
    assert.equal(collected.unitData['prometheus_scrape_unit_name'], 'ckf-backup/0');
    assert.deepEqual(Object.keys(collected.facts()).sort(), [
      ...['format', 'journalEntries', 'leader', 'stoppedNotebooks', 'updated', 'version'],
    ]);
    assert.equal(collected.opened, 0);
  });

  it('ask S3 only after what may have changed it', async () => {
    const collected = aCollectedUnit();
    await collected.hook('start');
    for (const name of ['update-status', 'config-changed', 'update-status'])
      await collected.hook(name);
    assert.equal(collected.opened, 1);
    collected.seed('2026-11-26T02:00:00Z', true);
    await collected.ended('list-backups');
    assert.equal(collected.opened, 1);
    await collected.ended('backup-control-plane');
    assert.equal(collected.opened, 2);
    assert.equal(collected.facts().sets?.assured, '2026-11-26T02:00:00Z');
  });

  it('count what no backup holds after a backup, and keep a count that cannot be made now', async () => {
    const collected = aCollectedUnit();
    await collected.hook('start');
    collected.databases = ['kfp-db', 'feast-db'];
    await collected.hook('update-status');
    await collected.ended('list-backups');
    assert.equal(collected.facts().notProtected, undefined);
    await collected.ended('backup-control-plane');
    assert.deepEqual(collected.facts().notProtected, { component: 0, database: 2 });
    collected.databases = new CharmError('juju-unreachable', 'Away.');
    await collected.ended('assurance');
    await collected.hook('update-status');
    assert.deepEqual(collected.facts().notProtected, { component: 0, database: 2 });
    collected.databases = [];
    await collected.ended('backup-control-plane', new CharmError('stopped', 'Stopped.'));
    assert.deepEqual(collected.facts().notProtected, { component: 0, database: 2 });
    await collected.ended('backup-volumes');
    assert.deepEqual(collected.facts().notProtected, { component: 0, database: 0 });
  });

  it('keep what was known while S3 is away, and say when it refuses the keys', async () => {
    const collected = aCollectedUnit();
    await collected.hook('start');
    collected.away = new CharmError('store-unreachable', 'Away.');
    await collected.ended('prune', collected.away);
    assert.equal(collected.facts().sets?.count, 2);
    assert.deepEqual(collected.facts().credentials, { juju: true, s3: true });
    assert.equal(collected.facts().retentionWorked, false);
    collected.away = new CharmError('store-denied', 'No.');
    await collected.ended('backup-control-plane', collected.away);
    assert.deepEqual(collected.facts().credentials, { juju: true, s3: false });
  });

  it('tell of volumes while there is a key, after an action that may have changed something', async () => {
    const collected = aCollectedUnit();
    const { tools, journal } = collected.rig;
    const cluster = new FakeCluster();
    collected.cluster = cluster;
    const create = (kind: 'namespaces' | 'persistentvolumeclaims', object: object) =>
      cluster.store.create(kind, kind === 'namespaces' ? '' : 'alice', {
        ...{
          apiVersion: 'v1',
          kind: kind === 'namespaces' ? 'Namespace' : 'PersistentVolumeClaim',
        },
        ...object,
      });
    const labels = { 'app.kubernetes.io/part-of': 'kubeflow-profile' };
    create('namespaces', { metadata: { name: 'alice', labels } });
    const addClaim = (name: string, creationTimestamp: string) =>
      create('persistentvolumeclaims', {
        metadata: { namespace: 'alice', name, creationTimestamp },
        spec: { resources: { requests: { storage: '5Gi' } } },
        status: { phase: 'Bound' },
      });
    addClaim('home', '2026-11-20T02:00:00Z');
    await collected.hook('start');
    assert.equal(collected.facts().volumes, undefined, 'they are off');
    tools.options['volumes-key'] = 'secret:d3n8r2e5kg0c73fhvb10';
    await collected.hook('config-changed');
    const told = { namespaces: { alice: '2026-11-20T02:00:00Z' }, repositories: {} };
    assert.deepEqual(collected.facts().volumes, told);
    addClaim('older', '2026-11-19T02:00:00Z');
    await collected.hook('update-status');
    assert.deepEqual(collected.facts().volumes, told);
    collected.cluster = undefined;
    await collected.ended('backup-volumes');
    assert.deepEqual(collected.facts().volumes, told, 'the cluster is away');
    collected.cluster = cluster;
    await collected.ended('backup-volumes', new CharmError('volumes-failed', 'One failed.'));
    assert.equal(collected.facts().volumes?.namespaces['alice'], '2026-11-19T02:00:00Z');
    assert.equal(collected.facts().stoppedNotebooks, 0);
    const stopped = '2026-11-21T03:00:00Z';
    await journal.recordNotebook({ namespace: 'alice', name: 'lab', stopped });
    collected.cluster = undefined;
    await collected.hook('update-status');
    assert.equal(collected.facts().stoppedNotebooks, 1);
  });

  it('tell how the last backup ended, of a killed one too, and how many ended how', async () => {
    const { rig, ...collected } = aCollectedUnit();
    await collected.hook('start');
    const at = '2026-11-26T02:00:00Z';
    await rig.journal.setLastAttempt({ at, task: '7', outcome: 'failed', code: 'store-denied' });
    await rig.journal.countRun('failed/schedule', 1);
    await collected.hook('update-status');
    assert.deepEqual(collected.facts().lastRun, { at, failedWith: 'store-denied' });
    assert.deepEqual(collected.facts().runs, { 'failed/schedule': 1 });
    await rig.journal.setLastAttempt({ at, task: '7', outcome: 'begun' });
    await collected.hook('update-status');
    assert.equal(collected.facts().lastRun?.failedWith, 'interrupted');
    await rig.journal.setLastAttempt({ at, task: '7', outcome: 'succeeded' });
    await collected.hook('update-status');
    assert.deepEqual(collected.facts().lastRun, { at });
  });

  it('tell what another unit did while it led', async () => {
    const { rig, ...collected } = aCollectedUnit();
    const at = '2026-11-26T02:00:00Z';
    const verifiedAt = '2026-11-26T09:00:00Z';
    const [id, failed] = ['2026-11-25T02:00:00Z', { task: '7', outcome: 'failed', code: 'bug' }];
    rig.tools.relations.set('ckf-backup-peers:1', {
      ...{ application: 'ckf-backup', remote: {} },
      ours: {
        'last-backup': JSON.stringify({
          ...{ id, bytes: 1, consistent: true, verified: 'damaged', verifiedAt },
        }),
        'last-attempt': JSON.stringify({ at, ...failed }),
      },
    });
    await collected.hook('leader-elected');
    assert.deepEqual(collected.facts().lastRun, { at, failedWith: 'bug' });
    assert.deepEqual(collected.facts().verification, { intact: false, at: verifiedAt });
  });

  it('do not count on a set that a proof in S3 found damaged, until another one finds it whole', async () => {
    const collected = aCollectedUnit();
    const [older, newer] = ['2026-11-25T02:00:00Z', '2026-11-26T02:00:00Z'];
    collected.seed(newer, true);
    const proof = { kind: 'verify', seconds: 1, bytes: 0 } as const;
    const id = backupIdAt(new Date(newer));
    await keepProof(collected.target, id, { ...proof, at: '2026-11-26T03:00:00Z', intact: false });
    await collected.hook('start');
    assert.equal(collected.facts().sets?.assured, older);
    await keepProof(collected.target, id, { ...proof, at: '2026-11-26T04:00:00Z', intact: true });
    await collected.ended('verify-backup');
    assert.equal(collected.facts().sets?.assured, newer);
  });

  it('tell what was verified last, until the next time', async () => {
    const collected = aCollectedUnit();
    await collected.hook('start');
    assert.equal(collected.facts().verification, undefined);
    await collected.ended('verify-backup');
    assert.equal(collected.facts().verification?.intact, true);
    await collected.ended('verify-backup', new CharmError('set-damaged', 'Damaged.'));
    await collected.hook('update-status');
    await collected.ended('verify-backup', new CharmError('store-unreachable', 'Away.'));
    assert.equal(collected.facts().verification?.intact, false);
  });

  it('tell the longest gap of the schedule and the next slot, and whether it is paused', async () => {
    const { rig, ...collected } = aCollectedUnit();
    rig.tools.options = { ...rig.tools.options, schedule: '0 2 * * 1-5' };
    await collected.hook('start');
    assert.deepEqual(collected.facts().schedule, {
      ...{ interval: 3 * 86_400, paused: false, next: '2026-11-27T02:00:00.000Z' },
    });
    rig.tools.options = { ...rig.tools.options, 'schedule-paused': true };
    await collected.hook('config-changed');
    assert.deepEqual(collected.facts().schedule, { interval: 3 * 86_400, paused: true });
    rig.tools.options = { ...rig.tools.options, schedule: '61 2 * * *' };
    await collected.hook('config-changed');
    assert.equal(collected.facts().schedule?.interval, 0);
  });

  it('never fail a hook, and are named in its status when they are not served', async () => {
    const { rig, ...collected } = aCollectedUnit();
    await collected.hook('start');
    const { status } = rig.tools;
    rig.exporter.problem = new CharmError('exporter-silent', 'Silent.');
    await collected.hook('update-status');
    assert.ok(rig.tools.logs.includes('WARNING Silent.'));
    assert.deepEqual(rig.tools.status, {
      name: 'active',
      message: status.message.replace('Ready;', 'Ready; metrics are not served (juju debug-log);'),
    });
    rig.tools.bindAddress = () => Promise.reject(new CharmError('juju-tool-failed', 'No.'));
    await collected.hook('config-changed');
    assert.ok(rig.tools.logs.includes('WARNING No.'));
    rig.exporter.problem = undefined;
    await collected.hook('update-status');
    assert.deepEqual(rig.tools.status, status);
  });

  it('are named in the status while Prometheus refuses them, and its reason is in the log', async () => {
    const { rig, ...collected } = aCollectedUnit();
    await collected.hook('start');
    const { status } = rig.tools;
    const relation = rig.tools.relations.get('metrics-endpoint:9') ?? assert.fail();
    const answers = (event: string) =>
      rig.tools.relations.set('metrics-endpoint:9', { ...relation, remote: { event } });
    answers('{"errors": "group kubeflow: could not parse expression"}');
    await collected.hook('metrics-endpoint-relation-changed', 'metrics-endpoint:9');
    const refused = {
      name: 'active',
      message: status.message.replace(
        'Ready;',
        'Ready; prometheus refuses metrics or alerts (juju debug-log);',
      ),
    };
    assert.deepEqual(rig.tools.status, refused);
    assert.ok(
      rig.tools.logs.includes(
        'WARNING prometheus answers to our metrics and alerts: group kubeflow: could not parse expression',
      ),
    );
    await collected.hook('update-status');
    assert.deepEqual(rig.tools.status, refused);
    for (const harmless of ['{}', '{"errors": ""}', 'not JSON', '[]', 'null']) {
      answers(harmless);
      await collected.hook('metrics-endpoint-relation-changed', 'metrics-endpoint:9');
      assert.deepEqual(rig.tools.status, status, harmless);
    }
    answers('{"scrape_job_errors": ["no targets"]}');
    await collected.hook('config-changed');
    assert.deepEqual(rig.tools.status, refused);
  });

  it('end with the last relation, and rest while the pod is replaced', async () => {
    const { rig, ...collected } = aCollectedUnit();
    await collected.hook('start');
    await collected.hook('stop');
    assert.equal(rig.exporter.stopped, 1);
    assert.ok(rig.journal.facts);
    await collected.hook('metrics-endpoint-relation-broken', 'metrics-endpoint:9');
    assert.equal(rig.journal.facts, undefined);
    assert.equal(rig.exporter.stopped, 2);
  });
});

describe('the dashboard', () => {
  it('is handed by the leader to every related application, as is who sends logs, and costs update-status nothing', async () => {
    const rig = unitRig();
    const ours: Record<string, string> = {};
    rig.tools.relations.set('grafana-dashboard:11', { application: 'grafana', remote: {}, ours });
    rig.tools.leader = false;
    await rig.run('start');
    rig.tools.leader = true;
    await rig.run('update-status');
    assert.deepEqual(ours, {});
    const logging: Record<string, string> = {};
    rig.tools.relations.set('logging:13', { application: 'loki', remote: {}, ours: logging });
    await rig.run('leader-elected');
    assert.deepEqual(Object.keys(ours), ['dashboards']);
    assert.equal(logging['alert_rules'], '{}');
    assert.match(logging['metadata'] ?? '', /"application":"ckf-backup"/);
    assert.equal(rig.journal.facts, undefined);
  });
});

describe('a link in Kubeflow’s dashboard', () => {
  it('is there while the option dashboard-url is set, and costs update-status nothing', async () => {
    const rig = unitRig();
    const ours: Record<string, string> = {};
    rig.tools.relations.set('dashboard-links:12', {
      ...{ application: 'kubeflow-dashboard', remote: {}, ours },
    });
    await rig.run('update-status');
    assert.deepEqual(ours, {});
    await rig.run('config-changed');
    assert.deepEqual(ours, { dashboard_links: '[]' });
    const link = 'https://grafana.example.com/d/ckf-backup';
    rig.tools.options = { ...rig.tools.options, 'dashboard-url': link };
    await rig.run('config-changed');
    assert.partialDeepStrictEqual(JSON.parse(ours['dashboard_links']), [
      { text: 'Backups', link, location: 'external', type: 'item' },
    ]);
    rig.tools.options = { ...rig.tools.options, 'dashboard-url': 'javascript:alert(1)' };
    await rig.run('config-changed');
    assert.ok(ours['dashboard_links'].includes(link));
    assert.match(rig.tools.status.message, /dashboard-url/);
  });
});
