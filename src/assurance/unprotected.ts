import { databaseEndpoints } from '../config/components.ts';
import type { Config } from '../config/config.ts';
import { CharmError, orProblem } from '../errors.ts';
import { countText, listText, sum } from '../text.ts';
import type { World } from '../world.ts';

/** Kinds of things that may be unprotected. Metrics have them as a label. */
export type UnprotectedKind = 'component' | 'database' | 'bucket' | 'volume' | 'custom-resource';

/** Things of one kind that no backup holds. */
export interface Unprotected {
  readonly count: number;
  readonly what: string;
  /**
   * The command that adds it to the backups. Where this charm cannot, the command that saves it by
   * hand.
   */
  readonly command: string;
}

/** Looks for one kind of things. Rejects when it could not be asked. */
export interface Look<W> {
  readonly kind: UnprotectedKind;
  readonly find: (world: W, config: Config) => Promise<readonly Unprotected[]>;
}

export interface Findings {
  readonly unprotected: readonly Unprotected[];
  /** How many of each kind that could be looked at. */
  readonly counts: Readonly<Partial<Record<UnprotectedKind, number>>>;
  readonly problems: readonly CharmError[];
}

type AskedWorld = Pick<
  World,
  'application' | 'openSource' | 'openJuju' | 'openKubernetes' | 'relatedDatabase'
>;

/**
 * What a restore would not bring back: components that the option leaves out, databases without a
 * relation, buckets of MinIO, and custom resources. Rooms above know of more kinds and pass them.
 * What could not be asked is a problem in the result, so that nobody takes it for protected.
 */
export const findUnprotected = async <W extends AskedWorld>(
  world: W,
  config: Config,
  further: readonly Look<W>[] = [],
): Promise<Findings> => {
  const looks: readonly Look<W>[] = [
    { kind: 'component', find: componentsLeftOut },
    { kind: 'database', find: databases },
    { kind: 'bucket', find: buckets },
    ...further,
    { kind: 'custom-resource', find: customResources },
  ];
  const found = await Promise.all(
    looks.map(async ({ kind, find }) => ({
      kind,
      part: await orProblem(() => find(world, config)),
    })),
  );
  return {
    unprotected: found.flatMap(({ part }) => (part instanceof CharmError ? [] : part)),
    counts: Object.fromEntries(
      found.flatMap(({ kind, part }) =>
        part instanceof CharmError ? [] : [[kind, sum(part.map(({ count }) => count))]],
      ),
    ),
    problems: found.flatMap(({ part }) => (part instanceof CharmError ? [part] : [])),
  };
};

type Find = Look<AskedWorld>['find'];

const allComponents = ['kfp-db', 'katib-db', 'mlmd', 'mlpipeline'] as const;

const componentsLeftOut: Find = async ({ application }, { components }) => {
  const missing = allComponents.filter((component) => !components.includes(component));
  if (missing.length === 0) return [];
  return [
    {
      count: missing.length,
      what: `${missing.join(', ')} (option components)`,
      command: `juju config ${application} components=${allComponents.join(',')}`,
    },
  ];
};

/** Applications of the charm mysql-k8s that no relation connects with us. */
const databases: Find = async (world, { components }) => {
  const { application } = world;
  const related = new Map<string, string | undefined>();
  for (const endpoint of databaseEndpoints)
    related.set(endpoint, await world.relatedDatabase(endpoint));
  await using juju = await world.openJuju();
  const { applications } = await juju.status();
  const taken = [...related.values()];
  return [...applications.values()]
    .filter(({ charm, name }) => /\bmysql-k8s\b/.test(charm) && !taken.includes(name))
    .map(({ name }) => {
      const endpoint = databaseEndpoints.find(
        (one) => one === name && related.get(one) === undefined && components.includes(one),
      );
      return {
        count: 1,
        what: `database ${name}${endpoint === undefined ? '' : ' (no relation)'}`,
        command:
          endpoint === undefined
            ? `juju run ${name}/leader create-backup`
            : `juju integrate ${application}:${endpoint} ${name}:s3-parameters`,
      };
    });
};

const buckets: Find = async (world, { components, sourceBuckets }) => {
  const [first] = sourceBuckets;
  if (first === undefined) return [];
  const source = await world.openSource(first);
  await using store = source.store;
  const held = components.includes('mlpipeline') ? sourceBuckets : [];
  const others = (await store.bucketNames()).filter((name) => !held.includes(name));
  if (others.length === 0) return [];
  return [
    {
      count: others.length,
      what: `${countText(others.length, 'bucket')} of MinIO: ${listText(others, 5, 200)}`,
      command: `juju config ${world.application} source-buckets=${[...held, ...others].join(',')}`,
    },
  ];
};

/** Of Kubeflow, by what an operator types after `kubectl get`. */
const kinds = [
  { groupVersion: 'kubeflow.org/v1', plural: 'profiles' },
  { groupVersion: 'kubeflow.org/v1', plural: 'notebooks' },
  { groupVersion: 'kubeflow.org/v1alpha1', plural: 'poddefaults' },
  { groupVersion: 'kubeflow.org/v1beta1', plural: 'experiments' },
  { groupVersion: 'kubeflow.org/v1beta1', plural: 'scheduledworkflows' },
  { groupVersion: 'serving.kserve.io/v1beta1', plural: 'inferenceservices' },
] as const;

const customResources: Find = async (world) => {
  await using kubernetes = await world.openKubernetes();
  const counts: { readonly plural: string; readonly name: string; readonly count: number }[] = [];
  for (const kind of kinds) {
    const { length: count } = await Array.fromAsync(kubernetes.list(kind));
    const [group = ''] = kind.groupVersion.split('/');
    if (count > 0) counts.push({ plural: kind.plural, name: `${kind.plural}.${group}`, count });
  }
  if (counts.length === 0) return [];
  return [
    {
      count: sum(counts.map(({ count }) => count)),
      what: `custom resources: ${counts.map(({ plural, count }) => `${count} ${plural}`).join(', ')}`,
      command: `kubectl get ${counts.map(({ name }) => name).join(',')} --all-namespaces -o yaml > custom-resources.yaml`,
    },
  ];
};
