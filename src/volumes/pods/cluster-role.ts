import { stringify } from 'yaml';

/** Verbs by resource; a resource that is not in the core group has the group after its name. */
type Rules = Readonly<Record<string, readonly string[]>>;

/** What volumes need in every namespace that has some. No Secret can be read with it. */
const everywhere: Rules = {
  namespaces: ['get', 'list'],
  persistentvolumeclaims: ['get', 'list', 'create'],
  pods: ['list'],
  events: ['list'],
  secrets: ['create'],
  'jobs.batch': ['create', 'get', 'list', 'patch', 'delete'],
  'notebooks.kubeflow.org': ['get', 'list', 'patch'],
};

/** What they need in the namespace of the model besides. */
const inModel: Rules = {
  pods: ['create', 'get', 'delete'],
  'pods/log': ['get'],
  secrets: ['list', 'delete'],
};

/** What an administrator may apply in place of `juju trust`, so that volumes are backed up. */
export const volumesRoleText = (application: string, model: string): string => {
  const name = `${model}-${application}-volumes`;
  const apiGroup = 'rbac.authorization.k8s.io';
  const apiVersion = `${apiGroup}/v1`;
  const subjects = [{ kind: 'ServiceAccount', name: application, namespace: model }];
  const role = (kind: string, rules: Rules, namespace?: string): readonly object[] => {
    const metadata = { name, ...(namespace !== undefined && { namespace }) };
    return [
      { apiVersion, kind, metadata, rules: Object.entries(rules).map(ruleOf) },
      {
        ...{ apiVersion, kind: `${kind}Binding`, metadata },
        ...{ roleRef: { apiGroup, kind, name }, subjects },
      },
    ];
  };
  return [...role('ClusterRole', everywhere), ...role('Role', inModel, model)]
    .map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
    .join('---\n');
};

const ruleOf = ([name, verbs]: readonly [string, readonly string[]]): object => {
  const [resource = '', ...group] = name.split('.');
  return { apiGroups: [group.join('.')], resources: [resource], verbs };
};
