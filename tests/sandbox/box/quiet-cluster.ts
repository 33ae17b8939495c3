import type { KubernetesServer } from '../../servers/kubernetes/kubernetes.ts';

/** Custom resources of a cluster where people work, but nothing runs at the moment. */
export const setQuietCluster = (kubernetes: KubernetesServer): void => {
  const ended = {
    'workflows.argoproj.io/completed': 'true',
    'pipeline/persistedFinalState': 'true',
  };
  kubernetes.setResources(
    'argoproj.io/v1alpha1/workflows',
    Array.from({ length: 1200 }, (_, index) => ({
      metadata: { name: `train-${index}`, namespace: 'alice', labels: ended },
      status: { phase: 'Succeeded', startedAt: '2026-01-01T00:00:00Z' },
    })),
  );
  kubernetes.setResources('argoproj.io/v1alpha1/cronworkflows', []);
  kubernetes.setResources('kubeflow.org/v1beta1/scheduledworkflows', [
    { metadata: { name: 'nightly', namespace: 'alice' }, spec: { enabled: false } },
  ]);
  const done = { conditions: [{ type: 'Succeeded', status: 'True' }] };
  kubernetes.setResources('kubeflow.org/v1beta1/experiments', [
    { metadata: { name: 'tune', namespace: 'bob' }, status: done },
  ]);
  kubernetes.setResources('kubeflow.org/v1beta1/trials', [
    { metadata: { name: 'tune-1', namespace: 'bob' }, status: done },
  ]);
  kubernetes.setResources('kubeflow.org/v1/notebooks', [
    {
      metadata: {
        name: 'lab',
        namespace: 'bob',
        annotations: { 'kubeflow-resource-stopped': '2026-01-01T00:00:00Z' },
      },
    },
  ]);
};
