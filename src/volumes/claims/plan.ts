import type { VolumePattern } from '../../config/volumes.ts';
import type { Cluster, ClusterObject } from '../../world.ts';
import { type Claim, type ClaimUser, claimsOf, usersOf } from './claims.ts';
import { type UseRules, notebooksOf } from './notebooks.ts';
import { type SkipReason, isCoveredNamespace, skipReason } from './policy.ts';

/** A volume, and what is to be done with it. */
export interface PlannedVolume {
  readonly claim: Claim;
  readonly namespace: ClusterObject;
  readonly user: ClaimUser | undefined;
  /** Undefined when it is backed up. */
  readonly skip: SkipReason | undefined;
  /** The notebooks that are stopped meanwhile. */
  readonly stop: readonly string[];
}

/** Every volume of the namespaces that the option `volumes` means, by namespace and name. */
export const planVolumes = async (
  cluster: Cluster,
  patterns: readonly VolumePattern[],
  { isNamed = false, ...use }: Omit<UseRules, 'notebooks'> & { readonly isNamed?: boolean },
): Promise<readonly PlannedVolume[]> => {
  const namespaces = (await cluster.list('namespaces'))
    .filter((namespace) => isCoveredNamespace(namespace, patterns, cluster.namespace))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  const planned: PlannedVolume[] = [];
  for (const namespace of namespaces) {
    const claims = await claimsOf(cluster, namespace.name);
    if (claims.length === 0) continue;
    const users = await usersOf(cluster, namespace.name);
    const notebooks = await notebooksOf(cluster, namespace.name, use.mode);
    for (const claim of [...claims].sort((one, other) => (one.name < other.name ? -1 : 1))) {
      const user = users.get(claim.name);
      const rules = { ...use, notebooks };
      const skip = skipReason(claim, namespace, { user, rules, isNamed }, patterns);
      const stop = use.mode === 'stop' && skip === undefined ? notebooksIn(user) : [];
      planned.push({ claim, namespace, user, skip, stop });
    }
  }
  return planned;
};

const notebooksIn = (user: ClaimUser | undefined): readonly string[] => [
  ...new Set(user?.pods.flatMap(({ notebook }) => notebook ?? [])),
];
