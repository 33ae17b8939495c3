import { stringify } from 'yaml';
import type { CustomResourceKind, Kubernetes } from '../world.ts';
import { kindsLookedAt } from './running-workloads.ts';

/**
 * The kinds that we may not list in all namespaces, by Kubernetes' own word. It is what an
 * application that Juju does not trust lacks: it may read the pods of its model and run commands in
 * them all the same (Juju 3.6, application/trust.go).
 */
export const forbiddenKinds = async (
  kubernetes: Kubernetes,
): Promise<readonly CustomResourceKind[]> => {
  const kinds = kindsLookedAt();
  const may = await Promise.all(kinds.map((kind) => kubernetes.mayList(kind)));
  return kinds.filter((_, index) => may[index] === false);
};

/** What an administrator may apply in place of `juju trust`: exactly the rules that are missing. */
export const clusterRoleText = (application: string, model: string): string => {
  const name = `${model}-${application}`;
  const groups = Map.groupBy(kindsLookedAt(), ({ groupVersion }) => groupVersion.split('/')[0]);
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  return [
    {
      apiVersion,
      kind: 'ClusterRole',
      metadata: { name },
      rules: [...groups].map(([group, kinds]) => ({
        apiGroups: [group],
        resources: [...new Set(kinds.map(({ plural }) => plural))],
        verbs: ['list'],
      })),
    },
    {
      apiVersion,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name: application, namespace: model }],
    },
  ]
    .map((object) => stringify(object, { lineWidth: 0 }))
    .join('---\n');
};
