import { excerpt, printable } from '../text.ts';
import type { CustomResource, CustomResourceKind, Kubernetes } from '../world.ts';

/**
 * What writes to the control plane at this moment. Each entry reads `Workflow alice/train-1
 * (Running)`.
 */
interface RunningWorkloads {
  /** These would make a set inconsistent, so no backup is made while they run. */
  readonly running: readonly string[];
  /** These may make a set inconsistent; the operator is told. */
  readonly warnings: readonly string[];
}

type Describe = (resource: CustomResource) => string | undefined;

interface Rule {
  readonly kind: string;
  readonly resource: CustomResourceKind;
  readonly selector?: string;
  /** The text for a resource that counts; undefined for one that does not. */
  readonly describe: Describe;
}

const finishedWorkflow = new Set(['Succeeded', 'Failed', 'Error']);

/*
 * The rules are those of the projects themselves: Argo's workflow_phase.go and its label
 * workflows.argoproj.io/completed, KFP's ScheduledWorkflow types, Katib's experiment and trial
 * conditions, Kubeflow's notebook annotation and training conditions.
 */
const workflows = { groupVersion: 'argoproj.io/v1alpha1', plural: 'workflows' };

const runningWorkflow: Describe = ({ status }) => {
  const phase = textOf(status['phase']);
  return finishedWorkflow.has(phase) ? undefined : phase || 'new';
};

const running: readonly Rule[] = [
  {
    kind: 'Workflow',
    resource: workflows,
    selector: 'workflows.argoproj.io/completed!=true',
    describe: runningWorkflow,
  },
  {
    kind: 'ScheduledWorkflow',
    resource: { groupVersion: 'kubeflow.org/v1beta1', plural: 'scheduledworkflows' },
    describe: ({ spec }) => (spec['enabled'] === true ? 'recurring run, enabled' : undefined),
  },
  {
    kind: 'CronWorkflow',
    resource: { groupVersion: 'argoproj.io/v1alpha1', plural: 'cronworkflows' },
    describe: ({ spec }) => (spec['suspend'] === true ? undefined : 'not suspended'),
  },
  {
    kind: 'Experiment',
    resource: { groupVersion: 'kubeflow.org/v1beta1', plural: 'experiments' },
    describe: unlessCondition('Succeeded', 'Failed'),
  },
  {
    kind: 'Trial',
    resource: { groupVersion: 'kubeflow.org/v1beta1', plural: 'trials' },
    describe: unlessCondition(
      'Succeeded',
      'Killed',
      'Failed',
      'MetricsUnavailable',
      'EarlyStopped',
    ),
  },
];

const suspicious: readonly Rule[] = [
  {
    kind: 'Workflow',
    resource: workflows,
    selector:
      'workflows.argoproj.io/completed=true,pipeline/runid,pipeline/persistedFinalState!=true',
    describe: () => 'finished, but not yet recorded by Kubeflow Pipelines',
  },
  {
    kind: 'Notebook',
    resource: { groupVersion: 'kubeflow.org/v1', plural: 'notebooks' },
    describe: ({ annotations, status }) =>
      !('kubeflow-resource-stopped' in annotations) && Number(status['readyReplicas'] ?? 0) > 0
        ? 'running'
        : undefined,
  },
  ...['pytorchjobs', 'tfjobs', 'mpijobs', 'xgboostjobs', 'paddlejobs', 'jaxjobs'].map(
    (plural): Rule => ({
      kind: plural.slice(0, -1),
      resource: { groupVersion: 'kubeflow.org/v1', plural },
      describe: ({ status }) => (hasCondition(status, 'Running') ? 'running' : undefined),
    }),
  ),
];

/** Every kind that is looked at, each once. */
export const kindsLookedAt = (): readonly CustomResourceKind[] => [
  ...new Map(
    [...running, ...suspicious].map(({ resource }) => [JSON.stringify(resource), resource]),
  ).values(),
];

/** Looks through all namespaces. A kind that is not installed has no resources. */
export const findRunningWorkloads = async (kubernetes: Kubernetes): Promise<RunningWorkloads> => ({
  running: await matches(kubernetes, running),
  warnings: await matches(kubernetes, suspicious),
});

/** Milliseconds by which the clocks of the charm's node and of the API server may differ. */
const clockMargin = 30_000;

/**
 * As `findRunningWorkloads`, and also the workflows, experiments and trials that ended after
 * `since` (less a margin for the clocks): they ran during the operation, and may have written to
 * what was copied.
 */
export const findWorkloadsSince = async (
  kubernetes: Kubernetes,
  since: Date,
): Promise<readonly string[]> => {
  const endedAfter = (moments: readonly unknown[]): string | undefined => {
    const end = moments.map((moment) => Date.parse(textOf(moment))).find(Number.isFinite);
    return end !== undefined && end >= since.getTime() - clockMargin
      ? 'ended during the backup'
      : undefined;
  };
  const ended: readonly Rule[] = [
    {
      kind: 'Workflow',
      resource: workflows,
      selector: 'workflows.argoproj.io/completed=true',
      describe: ({ status }) => endedAfter([status['finishedAt'], status['startedAt']]),
    },
    ...(['Experiment', 'Trial'] as const).map((kind): Rule => ({
      kind,
      resource: { groupVersion: 'kubeflow.org/v1beta1', plural: `${kind.toLowerCase()}s` },
      describe: ({ status }) => endedAfter([status['completionTime']]),
    })),
  ];
  return matches(kubernetes, [...running, ...ended]);
};

const matches = async (kubernetes: Kubernetes, rules: readonly Rule[]): Promise<string[]> => {
  const found: string[] = [];
  for (const { kind, resource, selector, describe } of rules) {
    for await (const item of kubernetes.list(resource, selector)) {
      const state = describe(item);
      // The status is not trusted: its writer is everyone who may create the resource.
      if (state !== undefined)
        found.push(`${kind} ${item.namespace}/${item.name} (${excerpt(printable(state), 60)})`);
    }
  }
  return found;
};

function unlessCondition(...final: readonly string[]): Describe {
  return ({ status }) => {
    if (final.some((type) => hasCondition(status, type))) return undefined;
    return hasCondition(status, 'Running') ? 'Running' : 'not finished';
  };
}

const hasCondition = (status: Readonly<Record<string, unknown>>, type: string): boolean => {
  const conditions: readonly unknown[] = Array.isArray(status['conditions'])
    ? status['conditions']
    : [];
  return conditions.some(
    (condition) =>
      typeof condition === 'object' &&
      condition !== null &&
      'type' in condition &&
      'status' in condition &&
      condition.type === type &&
      condition.status === 'True',
  );
};

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
