import type { Environment } from './adapters/hook-tools/run-tool.ts';
import { readClusterAccess, readNamespace, readToken } from './adapters/kubernetes/access.ts';
import type { Redaction } from './adapters/redaction.ts';
import { minioAdvice, s3IntegratorAdvice } from './adapters/s3/options.ts';
import type { Config } from './config/config.ts';
import { readJujuCredentials } from './config/juju-credentials.ts';
import { findProvider, locateS3, missingObjectStorage, missingS3 } from './relations/provider.ts';
import type { Clock, HookTools, Journal, Progress, Source, Target, World } from './world.ts';

export interface WorldOptions {
  /** Juju's variables. */
  readonly environment: Environment;
  readonly config: Config;
  readonly tools: HookTools;
  readonly journal: Journal;
  readonly progress: Progress;
  readonly clock: Clock;
  readonly redaction: Redaction;
  readonly signal: AbortSignal;
  /** Where Kubernetes mounts the pod's token. */
  readonly serviceAccount: string;
  /** Which boot of which machine this is. */
  readonly host: string;
  /** A directory on the container's own disk. */
  readonly scratch: string;
  /** Of the action that runs; undefined in a hook. */
  readonly task: string | undefined;
}

/**
 * The outside, opened piece by piece when it is asked for, and each SDK loaded only then. Each way
 * to open rejects with a CharmError that names the option, relation or command that mends it.
 */
export const openWorld = (options: WorldOptions): World => {
  const { environment, config, tools, clock, redaction, signal, serviceAccount } = options;
  const unit = environment['JUJU_UNIT_NAME'] ?? '';
  const application = unit.replace(/\/\d+$/, '');
  const model = {
    name: environment['JUJU_MODEL_NAME'] ?? '',
    uuid: environment['JUJU_MODEL_UUID'] ?? '',
  };

  const openTarget = async (): Promise<Target> => {
    const provider = await findProvider(tools, 's3-credentials');
    if (provider === undefined) throw missingS3(application);
    const location = await locateS3(tools, provider, config.bucket);
    redaction.hide(location.secretKey);
    const { openS3 } = await import('./adapters/s3/s3.ts');
    const { bucket, endpoint, region, accessKey, secretKey, style, caChain } = location;
    return {
      bucket,
      endpoint,
      application,
      prefix: config.path ?? location.path ?? model.name,
      store: openS3({
        ...{ endpoint, region, bucket, accessKey, secretKey, style, caChain, clock, signal },
        ...(location.storageClass === undefined ? {} : { storageClass: location.storageClass }),
        ...(config.serverSideEncryption === undefined
          ? {}
          : { serverSideEncryption: config.serverSideEncryption }),
        extraHeaders: location.attributes,
        advice: s3IntegratorAdvice(
          provider.application,
          bucket,
          // Our own option wins over what the provider says.
          config.bucket === undefined ? provider.application : application,
        ),
      }),
    };
  };

  const openSource = async (bucket: string): Promise<Source> => {
    const provider = await findProvider(tools, 'object-storage');
    if (provider === undefined) throw missingObjectStorage(application);
    const { readObjectStorage } = await import('./relations/object-storage.ts');
    const minio = readObjectStorage(provider.application, provider.data);
    redaction.hide(minio.secretKey);
    const { openS3 } = await import('./adapters/s3/s3.ts');
    return {
      bucket,
      endpoint: minio.endpoint,
      store: openS3({
        ...minio,
        ...{ bucket, region: undefined, style: 'path', clock, signal },
        advice: minioAdvice(provider.application, application, bucket),
      }),
    };
  };

  return {
    model,
    application,
    unit,
    host: options.host,
    clock,
    signal,
    journal: options.journal,
    task: options.task,
    progress: options.progress,
    scratch: options.scratch,
    openTarget,
    openSource,
    openJuju: async ({ hurry } = {}) => {
      const account = await readJujuCredentials(tools, config, application, model.name);
      redaction.hide(account.password);
      const [{ openJujuModel }, { readAgentConf }] = await Promise.all([
        import('./adapters/juju/juju-model.ts'),
        import('./adapters/juju/agent-conf.ts'),
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
    },
    openKubernetes: async () => {
      const { openKubernetes } = await import('./adapters/kubernetes/kubernetes.ts');
      return openKubernetes({
        access: () => readClusterAccess(tools, environment, serviceAccount, application),
        token: () => readToken(serviceAccount),
        namespace: await readNamespace(serviceAccount, model.name),
        ...{ application, clock, signal },
      });
    },
    relatedDatabase: async (endpoint) => {
      const [relationId] = await tools.relationIds(endpoint);
      return relationId === undefined ? undefined : tools.remoteApplication(relationId);
    },
    handedPath: async (endpoint) => {
      const [relationId] = await tools.relationIds(endpoint);
      if (relationId === undefined) return undefined;
      return (await tools.applicationData(relationId, application))['path'];
    },
    handPath: async (endpoint, path) => {
      const [relationId] = await tools.relationIds(endpoint);
      if (relationId !== undefined) await tools.setApplicationData(relationId, { path });
    },
  };
};
