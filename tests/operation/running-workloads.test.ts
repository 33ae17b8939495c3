import assert from 'node:assert/strict';
import { findRunningWorkloads, findWorkloadsSince } from '../../src/operation/running-workloads.ts';
import { FakeKubernetes } from '../fakes/kubernetes.ts';

const argo = 'argoproj.io/v1alpha1';
const kubeflow = 'kubeflow.org/v1beta1';
const condition = (type: string, status = 'True') => ({ conditions: [{ type, status }] });

describe('running workloads', () => {
  it('are empty where nothing of Kubeflow is installed', async () => {
    assert.deepEqual(await findRunningWorkloads(new FakeKubernetes()), {
      running: [],
      warnings: [],
    });
  });

  it('are workflows in no final phase, and neither finished nor labelled ones', async () => {
    const cluster = new FakeKubernetes();
    cluster.addResources(
      { groupVersion: argo, plural: 'workflows' },
      { namespace: 'alice', name: 'new', status: {} },
      { namespace: 'alice', name: 'busy', status: { phase: 'Running' } },
      { namespace: 'alice', name: 'over', status: { phase: 'Succeeded' } },
      {
        namespace: 'alice',
        name: 'done',
        labels: { 'workflows.argoproj.io/completed': 'true' },
        status: { phase: 'Error' },
      },
    );
    const { running } = await findRunningWorkloads(cluster);
    assert.deepEqual(running, ['Workflow alice/new (new)', 'Workflow alice/busy (Running)']);
  });

  it('are shown as text that a terminal may show, however their authors wrote them', async () => {
    const cluster = new FakeKubernetes();
    cluster.addResources(
      { groupVersion: argo, plural: 'workflows' },
      { namespace: 'eve', name: 'long', status: { phase: `\u001b[2J${'x'.repeat(100_000)}` } },
    );
    const [running = ''] = (await findRunningWorkloads(cluster)).running;
    assert.match(running, /^Workflow eve\/long \(\\x1b\[2Jx+ … x+\)$/);
    assert.ok(running.length < 100);
  });

  it('are enabled recurring runs of Kubeflow Pipelines and of Argo', async () => {
    const cluster = new FakeKubernetes();
    cluster.addResources(
      { groupVersion: kubeflow, plural: 'scheduledworkflows' },
      { namespace: 'bob', name: 'nightly', spec: { enabled: true } },
      { namespace: 'bob', name: 'paused', spec: { enabled: false } },
    );
    cluster.addResources(
      { groupVersion: argo, plural: 'cronworkflows' },
      { namespace: 'bob', name: 'hourly', spec: {} },
      { namespace: 'bob', name: 'off', spec: { suspend: true } },
    );
    const { running } = await findRunningWorkloads(cluster);
    assert.deepEqual(running, [
      'ScheduledWorkflow bob/nightly (recurring run, enabled)',
      'CronWorkflow bob/hourly (not suspended)',
    ]);
  });

  it('are experiments and trials without a final condition', async () => {
    const cluster = new FakeKubernetes();
    cluster.addResources(
      { groupVersion: kubeflow, plural: 'experiments' },
      { namespace: 'carol', name: 'tune', status: condition('Running') },
      { namespace: 'carol', name: 'tuned', status: condition('Succeeded') },
      { namespace: 'carol', name: 'fresh' },
    );
    cluster.addResources(
      { groupVersion: kubeflow, plural: 'trials' },
      { namespace: 'carol', name: 'tune-1', status: condition('EarlyStopped') },
      { namespace: 'carol', name: 'tune-2', status: condition('Succeeded', 'False') },
    );
    const { running } = await findRunningWorkloads(cluster);
    assert.deepEqual(running, [
      'Experiment carol/tune (Running)',
      'Experiment carol/fresh (not finished)',
      'Trial carol/tune-2 (not finished)',
    ]);
  });

  it('only warn when they are notebooks, training jobs or runs not yet recorded', async () => {
    const cluster = new FakeKubernetes();
    cluster.addResources(
      { groupVersion: 'kubeflow.org/v1', plural: 'notebooks' },
      { namespace: 'dan', name: 'lab', status: { readyReplicas: 1 } },
      {
        namespace: 'dan',
        name: 'stopped',
        annotations: { 'kubeflow-resource-stopped': 'x' },
        status: { readyReplicas: 1 },
      },
    );
    cluster.addResources(
      { groupVersion: 'kubeflow.org/v1', plural: 'pytorchjobs' },
      { namespace: 'dan', name: 'train', status: condition('Running') },
    );
    cluster.addResources(
      { groupVersion: argo, plural: 'workflows' },
      {
        namespace: 'dan',
        name: 'unrecorded',
        labels: { 'workflows.argoproj.io/completed': 'true', 'pipeline/runid': '1' },
        status: { phase: 'Succeeded' },
      },
    );
    const { running, warnings } = await findRunningWorkloads(cluster);
    assert.deepEqual(running, []);
    assert.equal(warnings.length, 3);
  });

  it('are seen afterwards too when they came and went during the backup', async () => {
    const cluster = new FakeKubernetes();
    const completed = { 'workflows.argoproj.io/completed': 'true' };
    cluster.addResources(
      { groupVersion: argo, plural: 'workflows' },
      {
        namespace: 'eve',
        name: 'old',
        labels: completed,
        status: { phase: 'Succeeded', startedAt: '2026-11-21T19:00:00Z' },
      },
      {
        namespace: 'eve',
        name: 'quick',
        labels: completed,
        status: { phase: 'Succeeded', startedAt: '2026-11-21T20:00:00Z' },
      },
    );
    assert.deepEqual(await findWorkloadsSince(cluster, new Date('2026-11-21T20:00:00.700Z')), [
      'Workflow eve/quick (ended during the backup)',
    ]);
  });

  it('are also experiments and trials that ended meanwhile, and what ended since the first look', async () => {
    const cluster = new FakeKubernetes();
    cluster.addResources(
      { groupVersion: argo, plural: 'workflows' },
      {
        namespace: 'eve',
        name: 'long',
        labels: { 'workflows.argoproj.io/completed': 'true' },
        status: {
          phase: 'Succeeded',
          startedAt: '2026-11-21T18:00:00Z',
          finishedAt: '2026-11-21T20:00:05Z',
        },
      },
    );
    for (const plural of ['experiments', 'trials'])
      cluster.addResources(
        { groupVersion: kubeflow, plural },
        {
          namespace: 'eve',
          name: 'new',
          status: { ...condition('Succeeded'), completionTime: '2026-11-21T20:10:00Z' },
        },
        {
          namespace: 'eve',
          name: 'old',
          status: { ...condition('Failed'), completionTime: '2026-11-21T19:00:00Z' },
        },
      );
    assert.deepEqual(await findWorkloadsSince(cluster, new Date('2026-11-21T20:00:00.700Z')), [
      'Workflow eve/long (ended during the backup)',
      'Experiment eve/new (ended during the backup)',
      'Trial eve/new (ended during the backup)',
    ]);
  });
});
