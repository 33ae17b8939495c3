import type { StoredObject } from './stored-object.ts';
import type { WorkloadStore } from './workload-store.ts';

/*
 * Kubeflow's notebook-controller, as far as volumes see it: a notebook has the pod <name>-0 while
 * the annotation kubeflow-resource-stopped is not there, whatever it says.
 */

export const newNotebook = ({
  namespace,
  name,
  claim,
  annotations,
}: {
  readonly namespace: string;
  readonly name: string;
  readonly claim: string;
  readonly annotations: Readonly<Record<string, string>>;
}): object => ({
  apiVersion: 'kubeflow.org/v1',
  kind: 'Notebook',
  metadata: { namespace, name, annotations },
  spec: {
    template: {
      spec: {
        containers: [{ name, image: 'jupyter' }],
        volumes: [{ name: 'home', persistentVolumeClaim: { claimName: claim } }],
      },
    },
  },
});

export const reconcileNotebook = (
  store: WorkloadStore,
  { metadata: { namespace = '', name, annotations = {} }, spec }: StoredObject,
): void => {
  const pod = `${name}-0`;
  const isThere = store.find('pods', namespace, pod) !== undefined;
  const shouldBe = annotations['kubeflow-resource-stopped'] === undefined;
  if (isThere && !shouldBe) store.remove('pods', namespace, pod);
  if (isThere || !shouldBe) return;
  store.create('pods', namespace, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name: pod, labels: { 'notebook-name': name } },
    spec: { ...spec?.template?.spec, nodeName: 'node-1' },
  });
  store.patch('pods', namespace, pod, { status: { phase: 'Running' } });
};
