import assert from 'node:assert/strict';
import { parseAllDocuments } from 'yaml';
import { layoutOf } from '../../../src/repository/layout.ts';
import { backUpVolumes } from '../../../src/volumes/back-up-volumes.ts';
import { volumesRoleText } from '../../../src/volumes/pods/cluster-role.ts';
import { deleteBackups } from '../../../src/volumes/delete-backups.ts';
import { restoreVolume } from '../../../src/volumes/restore-volume.ts';
import { verifyRepositories } from '../../../src/volumes/verify-repositories.ts';
import { textOf } from '../../checkout/checkout.ts';
import { aWorldOfTwoUsers, volumesConfig } from '../../rigs/volume-world.ts';

interface Role {
  readonly kind: string;
  readonly metadata: { readonly namespace?: string };
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

const verbs: Readonly<Record<string, string>> = {
  ...{ read: 'get', list: 'list', create: 'create', patch: 'patch', remove: 'delete' },
};

/** `create jobs`, as a rule allows it. */
const permissionOf = (call: string): string => {
  const [method = '', kind = ''] = call.split(' ');
  return method === 'log' ? 'get pods/log' : `${verbs[method] ?? method} ${kind}`;
};

const namespaceOf = (call: string): string =>
  call.split(' ')[call.startsWith('log ') ? 1 : 2] ?? '';

/** Everything that sessions of all kinds ask of the cluster, in good weather and in bad. */
const allCalls = async (): Promise<readonly string[]> => {
  using rig = aWorldOfTwoUsers();
  const { volumes: config } = volumesConfig({ inUse: 'stop' });
  rig.addNotebook('alice', 'lab', 'home');
  // Otherwise the images are not asked for their versions.
  rig.store.bucket.remove(layoutOf('ckf').volumeImages);
  rig.cluster.faults.set('bob/data', { refuse: 'exceeded quota' });
  await backUpVolumes(rig.whole, config, { kind: 'all' });
  rig.cluster.faults.clear();
  await rig.later(60);
  await backUpVolumes(rig.whole, config, { kind: 'all' });
  const volume = { namespace: 'bob', claim: 'data' };
  rig.cluster.store.remove('persistentvolumeclaims', 'bob', 'data');
  await restoreVolume(rig.whole, config, {
    ...{ volume, to: undefined, into: undefined, include: undefined, backup: { kind: 'latest' } },
    ...{ create: true, deleteExtra: false, dryRun: false, confirm: 'bob/data' },
  });
  await rig.later(60);
  await verifyRepositories(rig.whole, config, {
    ...{ namespace: undefined, readData: '1/1', testRestore: volume },
  });
  await deleteBackups(rig.whole, config, {
    ...{ volume: 'bob/data', which: { kind: 'all' }, dryRun: false },
  });
  return rig.cluster.calls;
};

describe('the role for volumes', () => {
  const text = volumesRoleText('ckf-backup', 'kubeflow');
  const objects = parseAllDocuments(text).map((document) => document.toJS() as Role);
  const permissions = (kind: string): readonly string[] =>
    objects
      .filter((object) => object.kind === kind)
      .flatMap(({ rules }) => rules)
      .flatMap((rule) =>
        rule.resources.flatMap((resource) => rule.verbs.map((verb) => `${verb} ${resource}`)),
      )
      .sort();

  it('has exactly what is asked of Kubernetes, and nothing else', async () => {
    const calls = await allCalls();
    const asked = (isMeant: (namespace: string) => boolean) =>
      new Set(calls.filter((call) => isMeant(namespaceOf(call))).map(permissionOf));
    const elsewhere = asked((namespace) => namespace !== 'kubeflow');
    const inModel = asked((namespace) => namespace === 'kubeflow');
    assert.deepEqual(permissions('ClusterRole'), [...elsewhere].sort());
    assert.deepEqual(permissions('Role'), [...inModel.difference(elsewhere)].sort());
  });

  it('lets no Secret be read, and holds in the model what only the model needs', () => {
    assert.deepEqual(
      permissions('ClusterRole').filter((one) => one.endsWith(' secrets')),
      ['create secrets'],
    );
    assert.deepEqual(
      objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}`.trim()),
      ['ClusterRole', 'ClusterRoleBinding', 'Role kubeflow', 'RoleBinding kubeflow'],
    );
  });

  it('stands in the documentation', () => {
    assert.ok(textOf('docs/how-to/less-power.md').includes(text.trim()));
  });
});
