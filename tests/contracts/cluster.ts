import assert from 'node:assert/strict';
import type { Cluster, ClusterKind, Manifest } from '../../src/world.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';

export interface ClusterRig extends AsyncDisposable {
  /** Has the namespaces `kubeflow` (the model's), `alice` and `bob`, and nothing in them. */
  readonly cluster: Cluster;
  /** An object that somebody else has made. */
  add(kind: 'notebooks', manifest: Manifest): void;
}

const secret = (namespace: string, name: string, metadata: object = {}): Manifest => ({
  ...{ apiVersion: 'v1', kind: 'Secret', type: 'Opaque' },
  metadata: { namespace, name, ...metadata },
  stringData: { password: 'a password' },
});

const job = (namespace: string, name: string): Manifest => ({
  ...{ apiVersion: 'batch/v1', kind: 'Job' },
  metadata: { namespace, name },
  spec: {
    suspend: true,
    template: {
      spec: {
        restartPolicy: 'Never',
        containers: [{ name: 'restic', image: 'restic', command: ['no-such-program'] }],
      },
    },
  },
});

const pod = (namespace: string, name: string): Manifest => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: { namespace, name, labels: { 'ckf-backup/session': 'x' } },
  spec: {
    restartPolicy: 'Never',
    containers: [{ name: 'restic', image: 'restic', command: ['no-such-program'] }],
  },
});

/** The promises of the port Cluster. */
export const clusterContract = (open: () => Promise<ClusterRig>): void => {
  const names = async (
    cluster: Cluster,
    kind: ClusterKind,
    wish?: Parameters<Cluster['list']>[1],
  ): Promise<readonly string[]> =>
    (await cluster.list(kind, wish)).map(({ namespace, name }) => `${namespace}/${name}`).sort();

  it('reads what it has made, and nothing where there is none', async () => {
    await using rig = await open();
    const { cluster } = rig;
    const metadata = { labels: { role: 'backup' }, annotations: { owner: 'alice@example.com' } };
    const made = await cluster.create('secrets', secret('alice', 'one', metadata));
    const found = await cluster.read('secrets', 'alice', 'one');
    assert.deepEqual(found, made);
    assert.deepEqual(
      { ...found, uid: '', fields: {} },
      {
        ...{ namespace: 'alice', name: 'one', uid: '', fields: {}, owners: [], deleting: false },
        ...metadata,
      },
    );
    assert.notEqual(found.uid, '');
    assert.deepEqual(found.fields['data'], { password: btoa('a password') });
    assert.equal(await cluster.read('secrets', 'alice', 'two'), undefined);
    assert.equal(await cluster.read('secrets', 'carol', 'one'), undefined);
    assert.equal((await cluster.read('namespaces', '', 'alice'))?.name, 'alice');
  });

  it('takes an object of the same name for the one that was asked for', async () => {
    await using rig = await open();
    const first = await rig.cluster.create('secrets', secret('alice', 'one'));
    const again = await rig.cluster.create(
      'secrets',
      secret('alice', 'one', { labels: { a: 'b' } }),
    );
    assert.deepEqual(again, first);
  });

  it('lists a namespace, or all, by labels', async () => {
    await using rig = await open();
    const { cluster } = rig;
    for (const [namespace, name, role] of [
      ['alice', 'one', 'backup'],
      ['alice', 'two', 'gateway'],
      ['bob', 'one', 'backup'],
    ] as const)
      await cluster.create('secrets', secret(namespace, name, { labels: { role } }));
    assert.deepEqual(await names(cluster, 'secrets', { namespace: 'alice' }), [
      'alice/one',
      'alice/two',
    ]);
    assert.deepEqual(await names(cluster, 'secrets', { labels: 'role=backup' }), [
      'alice/one',
      'bob/one',
    ]);
    assert.deepEqual(
      await names(cluster, 'secrets', { namespace: 'bob', labels: 'role=gateway' }),
      [],
    );
    assert.deepEqual(await names(cluster, 'namespaces'), ['/alice', '/bob', '/kubeflow']);
  });

  it('changes what a merge patch names, and removes what is null in it', async () => {
    await using rig = await open();
    const { cluster } = rig;
    rig.add('notebooks', {
      ...{ apiVersion: 'kubeflow.org/v1', kind: 'Notebook' },
      metadata: { namespace: 'alice', name: 'lab', annotations: { kept: 'yes' } },
      spec: { template: { spec: { containers: [{ name: 'lab', image: 'jupyter' }] } } },
    });
    const annotations = async () =>
      (await cluster.read('notebooks', 'alice', 'lab'))?.annotations ?? {};
    const patch = (change: object) =>
      cluster.patch('notebooks', 'alice', 'lab', { metadata: { annotations: change } });
    await patch({ 'kubeflow-resource-stopped': 'now' });
    assert.deepEqual(await annotations(), { kept: 'yes', 'kubeflow-resource-stopped': 'now' });
    await patch({ 'kubeflow-resource-stopped': null });
    assert.deepEqual(await annotations(), { kept: 'yes' });
    const { message } = await rejectsWithCode(
      cluster.patch('notebooks', 'alice', 'nothing', { metadata: {} }),
      'kubernetes-refused',
    );
    assert.match(message, /"nothing" not found/);
  });

  it('removes what belongs to an object with it, and does not mind when it is gone', async () => {
    await using rig = await open();
    const { cluster } = rig;
    const { uid } = await cluster.create('jobs', job('alice', 'one'));
    const ownerReferences = [{ apiVersion: 'batch/v1', kind: 'Job', name: 'one', uid }];
    const owned = await cluster.create('secrets', secret('alice', 'one', { ownerReferences }));
    assert.deepEqual(owned.owners, ['Job']);
    await cluster.remove('jobs', 'alice', 'one');
    assert.deepEqual(await names(cluster, 'jobs'), []);
    assert.deepEqual(await names(cluster, 'secrets', { namespace: 'alice' }), []);
    await cluster.remove('jobs', 'alice', 'one');
  });

  it('says what the API server refuses', async () => {
    await using rig = await open();
    const { message } = await rejectsWithCode(
      rig.cluster.create('secrets', secret('carol', 'one')),
      'kubernetes-refused',
    );
    assert.match(message, /namespaces "carol" not found/);
    await rejectsWithCode(
      rig.cluster.create('secrets', secret('alice', 'one', { labels: { role: 'no spaces' } })),
      'kubernetes-refused',
    );
  });

  it('has what a container wrote, and nothing of a pod that is gone', async () => {
    await using rig = await open();
    const { cluster } = rig;
    await cluster.create('pods', pod('kubeflow', 'ckf-backup-1'));
    for (;;) {
      const found = await cluster.read('pods', 'kubeflow', 'ckf-backup-1');
      if (JSON.stringify(found?.fields['status'] ?? {}).includes('"exitCode":127')) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.match(await cluster.log('kubeflow', 'ckf-backup-1', 'restic'), /not found in \$PATH/);
    await cluster.remove('pods', 'kubeflow', 'ckf-backup-1');
    assert.equal(await cluster.log('kubeflow', 'ckf-backup-1', 'restic'), '');
  });

  it('starts a Job when it is let go, and not before', async () => {
    await using rig = await open();
    const { cluster } = rig;
    await cluster.create('jobs', job('alice', 'one'));
    assert.deepEqual(await names(cluster, 'pods', { labels: 'job-name=one' }), []);
    await cluster.patch('jobs', 'alice', 'one', { spec: { suspend: false } });
    assert.notDeepEqual(await names(cluster, 'pods', { labels: 'job-name=one' }), []);
  });
};
