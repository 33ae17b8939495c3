import {
  minioAdvice,
  retentionAdvice,
  s3IntegratorAdvice,
  type S3Advice,
} from '../adapters/s3/options.ts';
import { readRetentionCredentials } from '../config/retention-credentials.ts';
import { findProvider, locateS3, missingObjectStorage, missingS3 } from '../relations/provider.ts';
import type { S3Location } from '../relations/s3-location.ts';
import type { Source, Target } from '../world.ts';
import type { Wiring } from './wiring.ts';

/** Where backups go: what the relation s3-credentials says, unless our own options win. */
export const openTarget = async (wiring: Wiring, purpose?: 'retention'): Promise<Target> => {
  const { config, application, clock, signal, proxyTo } = wiring;
  const { location, provider } = await locateTarget(wiring);
  const { bucket, endpoint, region, style, caChain, storageClass } = location;
  const { accessKey, secretKey } = await keysFor(wiring, location, purpose);
  const proxy = proxyTo(endpoint);
  const { openS3 } = await import('../adapters/s3/s3.ts');
  return {
    ...{ bucket, endpoint, application },
    prefix: prefixIn(wiring, location),
    store: openS3({
      ...{ endpoint, region, bucket, accessKey, secretKey, style, caChain, proxy, clock, signal },
      ...(storageClass !== undefined && { storageClass }),
      ...(config.serverSideEncryption && { serverSideEncryption: config.serverSideEncryption }),
      extraHeaders: location.attributes,
      advice: targetAdvice(wiring, provider, { bucket, purpose }),
    }),
  };
};

/** What the relation s3-credentials says. Its secret key is hidden. */
export const locateTarget = async ({
  tools,
  config,
  application,
  redaction,
}: Wiring): Promise<{ readonly location: S3Location; readonly provider: string }> => {
  const provider = await findProvider(tools, 's3-credentials');
  if (provider === undefined) throw missingS3(application);
  const location = await locateS3(tools, provider, config.bucket);
  redaction.hide(location.secretKey);
  return { location, provider: provider.application };
};

export const prefixIn = ({ config, model }: Wiring, { path }: Pick<S3Location, 'path'>): string =>
  config.path ?? path ?? model.name;

/** The keys for what is to be done; those of the relation unless there are some of their own. */
export const keysFor = async (
  { tools, config, application }: Wiring,
  location: S3Location,
  purpose: 'retention' | undefined,
): Promise<Pick<S3Location, 'accessKey' | 'secretKey'>> =>
  (purpose === 'retention'
    ? await readRetentionCredentials(tools, config, application)
    : undefined) ?? location;

const targetAdvice = (
  { config, application }: Wiring,
  provider: string,
  { bucket, purpose }: { readonly bucket: string; readonly purpose: 'retention' | undefined },
): S3Advice => ({
  // Our own option `bucket` wins over what the provider says.
  ...s3IntegratorAdvice(provider, bucket, config.bucket === undefined ? provider : application),
  ...(purpose === 'retention' && { credentials: retentionAdvice(application) }),
});

/** A bucket of the MinIO that is related. */
export const openSource = async (
  { tools, config, application, redaction, clock, signal }: Wiring,
  bucket: string,
): Promise<Source> => {
  const provider = await findProvider(tools, 'object-storage');
  if (provider === undefined) throw missingObjectStorage(application);
  const { readObjectStorage } = await import('../relations/object-storage.ts');
  const minio = readObjectStorage(provider.application, provider.data, config.objectStorageCa);
  redaction.hide(minio.secretKey);
  const { openS3 } = await import('../adapters/s3/s3.ts');
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
