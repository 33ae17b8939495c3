import { fieldsOf, isTimeText, textOf } from '../../ports/fields.ts';
import type { Cluster, ClusterObject, Fields } from '../../world.ts';
import { type PodIdentity, identityOf } from './identity.ts';

/*
 * This folder is what lies in the namespaces of users: claims and the pods that use them, and which
 * of them the options and the annotations choose.
 */

/** A volume as its user has it. */
export interface Claim {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** As Kubernetes writes it: `5Gi`. */
  readonly size: string;
  readonly accessModes: readonly string[];
  readonly storageClass: string | undefined;
  readonly volumeMode: string;
  readonly phase: string;
  readonly deleting: boolean;
  readonly annotations: Readonly<Record<string, string>>;
  readonly owners: readonly string[];
  /** ISO 8601. */
  readonly created: string | undefined;
}

/** A pod that has the volume mounted, or is about to. */
export interface ClaimUser {
  readonly pod: string;
  readonly node: string;
  readonly tolerations: readonly Fields[];
  readonly identity: PodIdentity;
  /** All pods that have it, and the notebook that each belongs to, if it says so. */
  readonly pods: readonly { readonly name: string; readonly notebook: string | undefined }[];
}

export const claimsOf = async (cluster: Cluster, namespace: string): Promise<readonly Claim[]> =>
  (await cluster.list('persistentvolumeclaims', { namespace })).map(toClaim);

export const toClaim = (object: ClusterObject): Claim => {
  const spec = fieldsOf(object.fields['spec']);
  const status = fieldsOf(object.fields['status']);
  const capacity = textOf(fieldsOf(status['capacity'])['storage']);
  const { accessModes } = spec;
  const created = textOf(fieldsOf(object.fields['metadata'])['creationTimestamp']);
  const { namespace, name, uid, deleting, annotations, owners } = object;
  return {
    ...{ namespace, name, uid, deleting, annotations, owners },
    size: capacity || textOf(fieldsOf(fieldsOf(spec['resources'])['requests'])['storage']),
    accessModes: Array.isArray(accessModes) ? accessModes.map(textOf) : [],
    storageClass: textOf(spec['storageClassName']) || undefined,
    volumeMode: textOf(spec['volumeMode']) || 'Filesystem',
    phase: textOf(status['phase']),
    created: isTimeText(created) ? created : undefined,
  };
};

/**
 * Who uses each claim of a namespace, by the claim's name. Pods that ended, that wait for a node,
 * and our own do not count.
 */
export const usersOf = async (
  cluster: Cluster,
  namespace: string,
): Promise<ReadonlyMap<string, ClaimUser>> => {
  const users = new Map<string, ClaimUser>();
  for (const { name, labels, fields } of await cluster.list('pods', { namespace })) {
    const spec = fieldsOf(fields['spec']);
    const phase = textOf(fieldsOf(fields['status'])['phase']);
    const node = textOf(spec['nodeName']);
    if (labels['app.kubernetes.io/managed-by'] === 'ckf-backup' || node === '') continue;
    if (phase !== 'Running' && phase !== 'Pending') continue;
    const own = { name, notebook: labels['notebook-name'] };
    for (const volume of fieldsIn(spec['volumes'])) {
      const claim = textOf(fieldsOf(volume['persistentVolumeClaim'])['claimName']);
      if (claim === '') continue;
      const known = users.get(claim);
      const pods = [...(known?.pods ?? []), own];
      // Of a pod that runs and one that is about to, the one that runs says where the volume is.
      users.set(
        claim,
        phase === 'Running' || known === undefined
          ? {
              ...{ pod: name, node, pods, identity: identityOf(spec) },
              tolerations: fieldsIn(spec['tolerations']),
            }
          : { ...known, pods },
      );
    }
  }
  return users;
};

export const fieldsIn = (value: unknown): readonly Fields[] =>
  Array.isArray(value) ? value.map(fieldsOf) : [];
