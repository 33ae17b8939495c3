import assert from 'node:assert/strict';
import { parseAllDocuments } from 'yaml';
import { clusterRoleText, forbiddenKinds } from '../../src/operation/cluster-role.ts';
import { findRunningWorkloads } from '../../src/operation/running-workloads.ts';
import type { CustomResourceKind } from '../../src/world.ts';
import { textOf } from '../checkout/checkout.ts';
import { FakeKubernetes } from '../fakes/kubernetes.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

describe('the ClusterRole', () => {
  const text = clusterRoleText('ckf-backup', 'kubeflow');
  const [role, binding] = parseAllDocuments(text).map(
    (document) => document.toJS() as Record<string, unknown>,
  );

  it('has exactly what is listed, and nothing else', async () => {
    const listed: CustomResourceKind[] = [];
    const kubernetes = new FakeKubernetes();
    const list = kubernetes.list.bind(kubernetes);
    kubernetes.list = (kind, selector) => {
      listed.push(kind);
      return list(kind, selector);
    };
    await findRunningWorkloads(kubernetes);
    const rules = (role?.['rules'] as readonly Rule[]).flatMap(
      ({ apiGroups, resources, verbs }) => {
        assert.deepEqual(verbs, ['list']);
        return resources.map((resource) => `${resource}.${apiGroups.join()}`);
      },
    );
    const needed = listed.map(
      ({ groupVersion, plural }) => `${plural}.${groupVersion.split('/')[0]}`,
    );
    assert.deepEqual(rules.sort(), [...new Set(needed)].sort());
  });

  it('is bound to the service account that Juju gives the charm', () => {
    assert.deepEqual(binding?.['subjects'], [
      { kind: 'ServiceAccount', name: 'ckf-backup', namespace: 'kubeflow' },
    ]);
  });

  it('stands in the documentation', () => {
    assert.ok(textOf('docs/how-to/less-power.md').includes(text.trim()));
  });

  it('is what an application lacks that Kubernetes lets not list everything', async () => {
    const kubernetes = new FakeKubernetes();
    assert.deepEqual(await forbiddenKinds(kubernetes), []);
    kubernetes.denied.add('experiments');
    assert.deepEqual(
      (await forbiddenKinds(kubernetes)).map(({ plural }) => plural),
      ['experiments'],
    );
  });
});
