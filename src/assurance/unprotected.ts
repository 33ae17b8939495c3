import { type Config, databaseEndpoints } from '../config/config.ts';
import { CharmError, orProblem } from '../errors.ts';
import { countText, listText } from '../text.ts';
import type { CustomResource, World } from '../world.ts';

/** Something that no set holds. */
export interface Unprotected {
  readonly what: string;
  /**
   * The command that adds it to the sets. Where this charm cannot, the command that saves it by
   * hand.
   */
  readonly command: string;
}

type AskedWorld = Pick<
  World,
  'application' | 'openSource' | 'openJuju' | 'openKubernetes' | 'relatedDatabase'
>;

/**
 * What a restore would not bring back: databases without a relation, buckets of MinIO that the
 * option leaves out, volumes of notebooks, and custom resources. What could not be asked is a
 * problem in the result, so that nobody takes it for protected.
 */
export const findUnprotected = async (
  world: AskedWorld,
  config: Config,
): Promise<{
  readonly unprotected: readonly Unprotected[];
  readonly problems: readonly CharmError[];
}> => {
  const found = await Promise.all(
    [componentsLeftOut, databases, buckets, resources].map((look) =>
      orProblem(() => look(world, config)),
    ),
  );
  return {
    unprotected: found.flatMap((part) => (part instanceof CharmError ? [] : part)),
    problems: found.filter((part) => part instanceof CharmError),
  };
};

type Look = (world: AskedWorld, config: Config) => Promise<readonly Unprotected[]>;

const allComponents = ['kfp-db', 'katib-db', 'mlmd', 'mlpipeline'] as const;

const componentsLeftOut: Look = async ({ application }, { components }) => {
  const missing = allComponents.filter((component) => !components.includes(component));
  if (missing.length === 0) return [];
  return [
    {
      what: `${missing.join(', ')} (option components)`,
      command: `juju config ${application} components=${allComponents.join(',')}`,
    },
  ];
};

/** Applications of the charm mysql-k8s that no relation connects with us. */
const databases: Look = async (world, { components }) => {
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
        what: `database ${name}${endpoint === undefined ? '' : ' (no relation)'}`,
        command:
          endpoint === undefined
            ? `juju run ${name}/leader create-backup`
            : `juju integrate ${application}:${endpoint} ${name}:s3-parameters`,
      };
    });
};

const buckets: Look = async (world, { components, sourceBuckets }) => {
  const [first] = sourceBuckets;
  if (first === undefined) return [];
  const source = await world.openSource(first);
  await using store = source.store;
  const held = components.includes('mlpipeline') ? sourceBuckets : [];
  const others = (await store.bucketNames()).filter((name) => !held.includes(name));
  if (others.length === 0) return [];
  return [
    {
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

const resources: Look = async (world) => {
  await using kubernetes = await world.openKubernetes();
  const counts: { readonly name: string; readonly items: readonly CustomResource[] }[] = [];
  for (const kind of kinds) {
    const items = await Array.fromAsync(kubernetes.list(kind));
    const [group = ''] = kind.groupVersion.split('/');
    if (items.length > 0) counts.push({ name: `${kind.plural}.${group}`, items });
  }
  const notebooks = counts.find(({ name }) => name === 'notebooks.kubeflow.org')?.items ?? [];
  return [...volumes(notebooks), ...customResources(counts)];
};

const customResources = (
  counts: readonly { readonly name: string; readonly items: readonly unknown[] }[],
): readonly Unprotected[] => {
  if (counts.length === 0) return [];
  const names = counts.map(({ name, items }) => `${items.length} ${name.split('.')[0] ?? name}`);
  const kindsText = counts.map(({ name }) => name).join(',');
  return [
    {
      what: `custom resources: ${names.join(', ')}`,
      command: `kubectl get ${kindsText} --all-namespaces -o yaml > custom-resources.yaml`,
    },
  ];
};

const volumes = (notebooks: readonly CustomResource[]): readonly Unprotected[] => {
  const claims = new Set(notebooks.flatMap(claimsOf));
  if (claims.size === 0) return [];
  return [
    {
      what: `${countText(claims.size, 'volume')} of notebooks: ${listText([...claims], 5, 200)}`,
      command: 'kubectl get pvc --all-namespaces   # this charm copies none of them',
    },
  ];
};

/** `alice/workspace`; the pod's template is where kubeflow.org/v1 Notebook has its volumes. */
const claimsOf = ({ namespace, spec }: CustomResource): readonly string[] => {
  const pod = fieldsOf(fieldsOf(fieldsOf(spec['template'])['spec']));
  const list: unknown = pod['volumes'];
  if (!Array.isArray(list)) return [];
  return list.flatMap((volume: unknown) => {
    const claim = fieldsOf(fieldsOf(volume)['persistentVolumeClaim'])['claimName'];
    return typeof claim === 'string' ? [`${namespace}/${claim}`] : [];
  });
};

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {};
