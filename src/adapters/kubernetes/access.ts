import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { notTrusted } from '../../errors.ts';
import type { ClusterAccess, HookTools } from '../../world.ts';
import type { Environment } from '../hook-tools/run-tool.ts';

/**
 * How to reach Kubernetes: as Juju says, or, before Juju 3.6.11, by what Kubernetes mounts into
 * every pod.
 *
 * @param serviceAccount the directory of the mounted token
 */
export const readClusterAccess = async (
  tools: HookTools,
  environment: Environment,
  serviceAccount: string,
  application: string,
): Promise<ClusterAccess> => {
  const access =
    (await tools.cloudCredential()) ?? (await readServiceAccount(environment, serviceAccount));
  if (access !== undefined) return access;
  throw notTrusted(application);
};

/** The model's namespace. It has the name of the model, unless the mounted file says otherwise. */
export const readNamespace = async (serviceAccount: string, model: string): Promise<string> =>
  (await textOf(serviceAccount, 'namespace')) ?? model;

/** The pod's token as it is now. Kubernetes renews it long before it expires. */
export const readToken = (serviceAccount: string): Promise<string | undefined> =>
  textOf(serviceAccount, 'token');

const readServiceAccount = async (
  environment: Environment,
  directory: string,
): Promise<ClusterAccess | undefined> => {
  const [token, ca] = await Promise.all([textOf(directory, 'token'), textOf(directory, 'ca.crt')]);
  const host = environment['KUBERNETES_SERVICE_HOST'];
  const port = environment['KUBERNETES_SERVICE_PORT'] || '443';
  if (token === undefined || ca === undefined || !host) return undefined;
  return { server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`, ca, token };
};

const textOf = async (directory: string, name: string): Promise<string | undefined> => {
  try {
    return (await readFile(join(directory, name), 'utf8')).trim() || undefined;
  } catch {
    return undefined;
  }
};
