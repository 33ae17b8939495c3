import type { ClusterAccess } from '../world.ts';

/** What credential-get prints on Kubernetes (Juju 3.6, runner/context `cloudSpecK8s`): our pod's own token. */
export const readCloudCredential = (output: unknown): ClusterAccess | undefined => {
  const server = at(output, 'endpoint');
  const ca = at(at(output, 'cacertificates'), '0');
  const token = at(at(at(output, 'credential'), 'attrs'), 'Token');
  if (typeof server !== 'string' || typeof ca !== 'string' || typeof token !== 'string')
    return undefined;
  return { server, ca, token };
};

const at = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(key) : undefined;
