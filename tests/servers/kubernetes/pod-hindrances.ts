import { type ObjectSpec, type StoredObject, claimsOf } from './stored-object.ts';
import type { WorkloadStore } from './workload-store.ts';

/** What keeps a pod of a Job from being made or from starting, by the name of its claim. */
export interface WorkloadFaults {
  /** Creating a pod is refused with this message. */
  readonly refuse?: string;
  /** The image cannot be pulled. */
  readonly image?: string;
  /** The volume is still attached to a node, of which nothing is heard any more. */
  readonly attached?: boolean;
}

/** The faults that tests put in, by `<namespace>/<claim>`. */
export type FaultsByClaim = ReadonlyMap<string, WorkloadFaults>;

/** Why the admission of pods refuses one; undefined when it does not. */
export const refusalOf = (
  store: WorkloadStore,
  faults: FaultsByClaim,
  namespace: string,
  spec: ObjectSpec,
): string | undefined =>
  claimsOf(spec)
    .map((claim) => faults.get(`${namespace}/${claim}`)?.refuse)
    .find(Boolean) ?? podSecurity(store, namespace, spec);

/** The warnings with which a pod stays where it is. */
export interface Hindrance {
  readonly warnings: readonly (readonly [reason: string, message: string])[];
  /** No node was found for it: what its condition PodScheduled says. */
  readonly unscheduled?: string;
}

/** Why a pod has no node, or does not get its volume; undefined when it can start. */
export const hindranceOf = (
  store: WorkloadStore,
  faults: FaultsByClaim,
  pod: StoredObject,
): Hindrance | undefined => {
  const { namespace = '' } = pod.metadata;
  const node = nodeOf(pod);
  if (store.find('nodes', '', node)?.spec?.unschedulable === true)
    return noNode('1 node(s) were unschedulable');
  for (const claim of claimsOf(pod.spec)) {
    const found = store.find('persistentvolumeclaims', namespace, claim);
    if (found === undefined) return noNode(`persistentvolumeclaim "${claim}" not found`);
    const modes: readonly string[] = found.spec?.accessModes ?? [];
    const others = othersWith(store, pod, claim);
    if (modes.includes('ReadWriteOncePod') && others.length > 0)
      return noNode(
        '1 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode',
      );
    const elsewhere = others.filter((other) => nodeOf(other) !== node);
    if (!modes.includes('ReadWriteMany') && elsewhere.length > 0)
      return notAttached(
        claim,
        `Volume is already used by pod(s) ${elsewhere.map(({ metadata }) => metadata.name).join(', ')}`,
      );
    if (faults.get(`${namespace}/${claim}`)?.attached === true)
      return notAttached(
        claim,
        "Volume is already exclusively attached to one node and can't be attached to another",
      );
  }
  return undefined;
};

const notAttached = (claim: string, why: string): Hindrance => ({
  warnings: [
    ['FailedAttachVolume', `Multi-Attach error for volume "pvc-${claim}" ${why}`],
    // In life the kubelet says this two minutes later.
    [
      'FailedMount',
      'Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[], failed to process volumes=[]: context deadline exceeded',
    ],
  ],
});

/** Writes it where the scheduler and the kubelet do. */
export const showHindrance = (
  store: WorkloadStore,
  pod: StoredObject,
  { warnings, unscheduled }: Hindrance,
): void => {
  const { namespace = '', name } = pod.metadata;
  for (const [reason, message] of warnings) store.warn(pod, reason, message);
  const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable' };
  store.patch('pods', namespace, name, {
    status: {
      phase: 'Pending',
      ...(unscheduled !== undefined && { conditions: [{ ...condition, message: unscheduled }] }),
    },
  });
};

const noNode = (why: string): Hindrance => {
  const unscheduled = `0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, ${why}. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.`;
  return { warnings: [['FailedScheduling', unscheduled]], unscheduled };
};

/** The node of a pod. Without a wish the scheduler puts it wherever it likes: on the last. */
export const nodeOf = ({ spec }: StoredObject): string =>
  spec?.nodeName ??
  spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]
    ?.matchFields[0]?.values[0] ??
  'node-9';

/** What is refused under the pod security `restricted` that our pods could do. */
const podSecurity = (
  store: WorkloadStore,
  namespace: string,
  { containers = [], securityContext: pod = {} }: ObjectSpec,
): string | undefined => {
  const labels = store.find('namespaces', '', namespace)?.metadata.labels ?? {};
  if (labels['pod-security.kubernetes.io/enforce'] !== 'restricted') return undefined;
  const wrong = containers.flatMap(({ securityContext = {} }) => {
    const own = { ...pod, ...securityContext };
    const { capabilities: { drop = [], add = [] } = {} } = own;
    return [
      ...(own.runAsNonRoot === true && own.runAsUser !== 0 ? [] : ['runAsNonRoot != true']),
      ...(own.allowPrivilegeEscalation === false ? [] : ['allowPrivilegeEscalation != false']),
      ...(drop.includes('ALL') && add.length === 0 ? [] : ['unrestricted capabilities']),
      ...(own.seccompProfile === undefined ? ['seccompProfile'] : []),
    ];
  });
  return wrong.length > 0
    ? `pods is forbidden: violates PodSecurity "restricted:latest": ${wrong.join(', ')}`
    : undefined;
};

/** The other pods that were given a node and have the claim. */
const othersWith = (
  store: WorkloadStore,
  pod: StoredObject,
  claim: string,
): readonly StoredObject[] =>
  store
    .all('pods', pod.metadata.namespace)
    .filter(
      (other) =>
        other.metadata.uid !== pod.metadata.uid &&
        other.spec?.nodeName !== undefined &&
        claimsOf(other.spec).includes(claim),
    );
