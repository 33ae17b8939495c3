import {
  minioAdvice,
  retentionAdvice,
  s3IntegratorAdvice,
  type S3Access,
  type S3Advice,
} from '../adapters/s3/options.ts';
import { readRetentionCredentials } from '../config/retention-credentials.ts';
import { findProvider, locateS3, missingObjectStorage, missingS3 } from '../relations/provider.ts';
import type { S3Location } from '../relations/s3-location.ts';
import type { Source, Target } from '../world.ts';
import type { Wiring } from './wiring.ts';

/** Where backups go: what the relation s3-credentials says, unless our own options win. */
export const openTarget = async (wiring: Wiring, purpose?: 'retention'): Promise<Target> => {
  const { application, clock, signal } = wiring;
  const { location, provider } = await locateTarget(wiring);
  const { bucket, endpoint } = location;
  const access = await targetAccess(wiring, location, purpose);
  const { openS3 } = await import('../adapters/s3/s3.ts');
  return {
    ...{ bucket, endpoint, application },
    prefix: prefixIn(wiring, location),
    store: openS3({
      ...{ ...access, clock, signal },
      advice: targetAdvice(wiring, provider, { bucket, purpose }),
    }),
  };
};

/** How the target is reached, and as whom. */
export const targetAccess = async (
  wiring: Wiring,
  location: S3Location,
  purpose?: 'retention',
): Promise<S3Access> => {
  const { config, proxyTo } = wiring;
  const { bucket, endpoint, region, style, caChain, storageClass } = location;
  const { accessKey, secretKey } = await keysFor(wiring, location, purpose);
  return {
    ...{ endpoint, region, bucket, accessKey, secretKey, style, caChain },
    proxy: proxyTo(endpoint),
    ...(storageClass !== undefined && { storageClass }),
    ...(config.serverSideEncryption && { serverSideEncryption: config.serverSideEncryption }),
    extraHeaders: location.attributes,
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
export const openSource = async (wiring: Wiring, bucket: string): Promise<Source> => {
  const { application, clock, signal } = wiring;
  const { access, provider } = await sourceAccess(wiring, bucket);
  const { openS3 } = await import('../adapters/s3/s3.ts');
  const advice = minioAdvice(provider, application, bucket);
  return {
    bucket,
    endpoint: access.endpoint,
    store: openS3({ ...access, clock, signal, advice }),
  };
};

/** How such a bucket is reached, and as whom. */
export const sourceAccess = async (
  { tools, config, application, redaction }: Wiring,
  bucket: string,
): Promise<{ readonly access: S3Access; readonly provider: string }> => {
  const provider = await findProvider(tools, 'object-storage');
  if (provider === undefined) throw missingObjectStorage(application);
  const { readObjectStorage } = await import('../relations/object-storage.ts');
  const minio = readObjectStorage(provider.application, provider.data, config.objectStorageCa);
  redaction.hide(minio.secretKey);
  return {
    provider: provider.application,
    access: {
      ...minio,
      // No proxy: MinIO is in the model.
      ...{ bucket, region: undefined, style: 'path' },
      caChain: config.objectStorageCa,
    },
  };
};
