import { readClusterAccess, readNamespace, readToken } from '../adapters/kubernetes/access.ts';
import type { KubernetesOptions } from '../adapters/kubernetes/kubernetes.ts';
import { readJujuCredentials } from '../config/juju-credentials.ts';
import { readVolumesKey } from '../config/volumes-key.ts';
import { CharmError } from '../errors.ts';
import type { Cluster, JujuModel, Kubernetes, VolumeAccess } from '../world.ts';
import type { Wiring } from './wiring.ts';
import { keysFor, locateTarget, prefixIn } from './stores.ts';

/** The model's controller. `hurry`: milliseconds after which to give up. */
export const openJuju = async (
  { environment, tools, config, application, model, redaction, clock }: Wiring,
  hurry: number | undefined,
): Promise<JujuModel> => {
  const account = await readJujuCredentials(tools, config, application, model.name);
  redaction.hide(account.password);
  const [{ openJujuModel }, { readAgentConf }] = await Promise.all([
    import('../adapters/juju/juju-model.ts'),
    import('../adapters/juju/agent-conf.ts'),
  ]);
  const { username, password, secret } = account;
  const addresses = (environment['JUJU_API_ADDRESSES'] ?? '').split(/\s+/).filter(Boolean);
  // Not under the signal: a process that is asked to stop still has to put scales back.
  return openJujuModel({
    ...{ username, password, secret, model, clock, hurry },
    endpoints: account.endpoints.length > 0 ? account.endpoints : addresses,
    ca:
      account.ca ??
      (await readAgentConf(`${environment['JUJU_CHARM_DIR'] ?? '.'}/../agent.conf`)).caCert,
  });
};

export const openKubernetes = async (
  wiring: Wiring,
  hurry: number | undefined,
): Promise<Kubernetes> => {
  const { openKubernetes: open } = await import('../adapters/kubernetes/kubernetes.ts');
  const { signal } = wiring;
  return open({
    ...(await clusterOptions(wiring)),
    signal: hurry === undefined ? signal : AbortSignal.any([signal, tooLate(hurry)]),
  });
};

/** Not under the signal: a process that is asked to stop still has to take away what it made. */
export const openCluster = async (wiring: Wiring): Promise<Cluster> => {
  const { openCluster: open } = await import('../adapters/kubernetes/cluster.ts');
  return open({ ...(await clusterOptions(wiring)), signal: new AbortController().signal });
};

/** What backups of users' volumes need: the cluster, the key, and the target's location. */
export const openVolumes = async (wiring: Wiring, purpose?: 'retention'): Promise<VolumeAccess> => {
  const key = await readVolumesKey(wiring.tools, wiring.config, wiring.application);
  wiring.redaction.hide(key);
  const { location } = await locateTarget(wiring);
  const { caChain, path, ...storage } = location;
  const { accessKey, secretKey } = await keysFor(wiring, location, purpose);
  const cluster = await openCluster(wiring);
  return {
    ...{ key, cluster },
    storage: {
      ...{ ...storage, accessKey, secretKey },
      ...{ prefix: prefixIn(wiring, { path }), ca: caChain.join('\n') },
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
};

const clusterOptions = async ({
  environment,
  serviceAccount,
  tools,
  application,
  model,
  clock,
  signal,
}: Wiring): Promise<KubernetesOptions> => ({
  access: () => readClusterAccess(tools, environment, serviceAccount, application),
  token: () => readToken(serviceAccount),
  namespace: await readNamespace(serviceAccount, model.name),
  ...{ application, clock, signal },
});

/** Fires after so many milliseconds, for a caller that prefers no answer to a late one. */
const tooLate = (milliseconds: number): AbortSignal => {
  const late = new AbortController();
  setTimeout(() => {
    late.abort(
      new CharmError(
        'kubernetes-unreachable',
        `The Kubernetes API did not answer within ${milliseconds / 1000} s.`,
      ),
    );
  }, milliseconds).unref();
  return late.signal;
};
