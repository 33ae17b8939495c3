import type { Environment } from './adapters/hook-tools/run-tool.ts';
import { readClusterAccess, readNamespace, readToken } from './adapters/kubernetes/access.ts';
import type { Redaction } from './adapters/redaction.ts';
import { minioAdvice, retentionAdvice, s3IntegratorAdvice } from './adapters/s3/options.ts';
import type { Config } from './config/config.ts';
import { proxyFor } from './config/proxy.ts';
import { readJujuCredentials } from './config/juju-credentials.ts';
import { readRetentionCredentials } from './config/retention-credentials.ts';
import { readSigningKeys } from './config/signing-keys.ts';
import { CharmError } from './errors.ts';
import { readVolumesKey } from './config/volumes-key.ts';
import { readNotifyUrl } from './config/notify-url.ts';
import { lokiAddresses } from './relations/loki.ts';
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

  const proxyTo = (address: string): URL | undefined => {
    const proxy = proxyFor(environment, new URL(address));
    if (proxy) redaction.hide(decodeURIComponent(proxy.password));
    return proxy;
  };

  const openTarget: World['openTarget'] = async (purpose): Promise<Target> => {
    const provider = await findProvider(tools, 's3-credentials');
    if (provider === undefined) throw missingS3(application);
    const location = await locateS3(tools, provider, config.bucket);
    redaction.hide(location.secretKey);
    const { openS3 } = await import('./adapters/s3/s3.ts');
    const { bucket, endpoint, region, style, caChain } = location;
    const own =
      purpose === 'retention'
        ? await readRetentionCredentials(tools, config, application)
        : undefined;
    const { accessKey, secretKey } = own ?? location;
    const proxy = proxyTo(endpoint);
    return {
      bucket,
      endpoint,
      application,
      prefix: config.path ?? location.path ?? model.name,
      store: openS3({
        ...{ endpoint, region, bucket, accessKey, secretKey, style, caChain, proxy, clock, signal },
        ...(location.storageClass === undefined ? {} : { storageClass: location.storageClass }),
        ...(config.serverSideEncryption === undefined
          ? {}
          : { serverSideEncryption: config.serverSideEncryption }),
        extraHeaders: location.attributes,
        advice: {
          ...s3IntegratorAdvice(
            provider.application,
            bucket,
            // Our own option wins over what the provider says.
            config.bucket === undefined ? provider.application : application,
          ),
          ...(purpose === 'retention' && { credentials: retentionAdvice(application) }),
        },
      }),
    };
  };

  const openSource = async (bucket: string): Promise<Source> => {
    const provider = await findProvider(tools, 'object-storage');
    if (provider === undefined) throw missingObjectStorage(application);
    const { readObjectStorage } = await import('./relations/object-storage.ts');
    const minio = readObjectStorage(provider.application, provider.data, config.objectStorageCa);
    redaction.hide(minio.secretKey);
    const { openS3 } = await import('./adapters/s3/s3.ts');
    return {
      bucket,
      endpoint: minio.endpoint,
      store: openS3({
        ...minio,
        // No proxy: MinIO is in the model.
        ...{ bucket, region: undefined, style: 'path', clock, signal },
        caChain: config.objectStorageCa,
        advice: minioAdvice(provider.application, application, bucket),
      }),
    };
  };

  const clusterOptions = async () => ({
    access: () => readClusterAccess(tools, environment, serviceAccount, application),
    token: () => readToken(serviceAccount),
    namespace: await readNamespace(serviceAccount, model.name),
    ...{ application, clock, signal },
  });

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
    openSigningKeys: () => readSigningKeys(tools, config, application),
    openNotifier: async () => {
      const address = await readNotifyUrl(tools, config, application);
      if (address === undefined) return undefined;
      redaction.hide(address.url);
      const { openNotifier } = await import('./adapters/notifier.ts');
      return openNotifier({
        ...{ ...address, style: config.notifyStyle, clock },
        redact: (text) => redaction.redact(text),
        proxy: proxyTo(address.url),
      });
    },
    openRunLog: async () => {
      const [relationId] = await tools.relationIds('logging');
      if (relationId === undefined) return undefined;
      const urls = lokiAddresses(await tools.remoteUnitsData(relationId));
      if (urls.length === 0) return undefined;
      const { openLoki } = await import('./adapters/loki.ts');
      return openLoki({
        urls,
        redact: (text) => redaction.redact(text),
        // As Canonical's log forwarder labels what it sends.
        labels: {
          ...{ product: 'Juju', charm: 'ckf-backup', juju_model: model.name },
          ...{ juju_model_uuid: model.uuid, juju_application: application, juju_unit: unit },
          job: `juju_${model.name}_${model.uuid.slice(0, 8)}_${application}`,
        },
      });
    },
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
    openKubernetes: async ({ hurry } = {}) => {
      const { openKubernetes } = await import('./adapters/kubernetes/kubernetes.ts');
      return openKubernetes({
        ...(await clusterOptions()),
        signal: hurry === undefined ? signal : AbortSignal.any([signal, tooLate(hurry)]),
      });
    },
    openVolumes: async () => {
      const key = await readVolumesKey(tools, config, application);
      redaction.hide(key);
      const provider = await findProvider(tools, 's3-credentials');
      if (provider === undefined) throw missingS3(application);
      const { caChain, path, ...location } = await locateS3(tools, provider, config.bucket);
      redaction.hide(location.secretKey);
      const { openCluster } = await import('./adapters/kubernetes/cluster.ts');
      const cluster = await openCluster(await clusterOptions());
      return {
        ...{ key, cluster },
        storage: {
          ...location,
          prefix: config.path ?? path ?? model.name,
          ca: caChain.join('\n'),
        },
        [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
      };
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

/** For those who would rather know nothing than wait. */
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
