import { type ObjectSpec, type StoredObject, claimsOf } from './stored-object.ts';
import type { WorkloadStore } from './workload-store.ts';

/** What keeps a pod of a Job from being made or from starting, by the name of its claim. */
export interface WorkloadFaults {
  /** Creating a pod is refused with this message. */
  readonly refuse?: string;
  /** The image cannot be pulled. */
  readonly image?: string;
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

/**
 * The warning with which a pod stays unscheduled or without its volume; undefined when it can
 * start.
 */
export const missingVolume = (
  store: WorkloadStore,
  pod: StoredObject,
): readonly [reason: string, message: string] | undefined => {
  const { namespace = '' } = pod.metadata;
  for (const claim of claimsOf(pod.spec)) {
    const found = store.find('persistentvolumeclaims', namespace, claim);
    if (found === undefined)
      return ['FailedScheduling', `persistentvolumeclaim "${claim}" not found`];
    const elsewhere = mountedElsewhere(store, pod, found);
    if (elsewhere !== undefined)
      return [
        'FailedAttachVolume',
        `Multi-Attach error for volume "pvc-${claim}": Volume is already used by pod(s) ${elsewhere}`,
      ];
  }
  return undefined;
};

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

/** The pod on another node that has the volume, when only one node may. */
const mountedElsewhere = (
  store: WorkloadStore,
  pod: StoredObject,
  claim: StoredObject,
): string | undefined => {
  const modes: readonly string[] = claim.spec?.accessModes ?? [];
  if (modes.includes('ReadWriteMany')) return undefined;
  const terms =
    pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
      ?.nodeSelectorTerms ?? [];
  // Without a wish the scheduler puts it wherever it likes, which is the last node here.
  const node = terms[0]?.matchFields[0]?.values[0] ?? 'node-9';
  return store
    .all('pods', claim.metadata.namespace)
    .find(
      (other) =>
        other.spec?.nodeName !== undefined &&
        other.spec.nodeName !== node &&
        claimsOf(other.spec).includes(claim.metadata.name),
    )?.metadata.name;
};
