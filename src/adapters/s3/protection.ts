import {
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3';
import { CharmError, orProblem } from '../../errors.ts';
import type { ObjectStore, Protection } from '../../world.ts';
import { quoteKey, type S3Client } from './client.ts';
import { S3Failure } from './failure.ts';

/**
 * Asks a bucket how it keeps what is deleted or overwritten. A server that does not know the
 * question, or does not answer it to these keys, leaves `unknown`.
 */
export const createProtection = (
  client: S3Client,
): Pick<ObjectStore, 'protection' | 'objectLock'> => ({
  objectLock: () => lockOf(client),
  protection: async (absent) => {
    const versioning = await versioningOf(client);
    return {
      versioning,
      lock: await lockOf(client),
      mayDelete: await mayDelete(client, absent, versioning),
    };
  },
});

const versioningOf = async (client: S3Client): Promise<Protection['versioning']> => {
  const found = await orProblem(() =>
    client.control({ doing: 'ask for the versioning of the bucket' }, (sdk, options) =>
      sdk.send(new GetBucketVersioningCommand({ Bucket: client.options.bucket }), options),
    ),
  );
  if (found instanceof CharmError) return 'unknown';
  if (found.Status === undefined) return 'off';
  return found.Status === 'Enabled' ? 'on' : 'suspended';
};

const lockOf = async (client: S3Client): Promise<Protection['lock']> => {
  const found = await orProblem(() =>
    client.control({ doing: 'ask for the Object Lock of the bucket' }, (sdk, options) =>
      sdk.send(new GetObjectLockConfigurationCommand({ Bucket: client.options.bucket }), options),
    ),
  );
  // S3 answers 404 for a bucket without Object Lock.
  if (found instanceof CharmError)
    return {
      kind: found.cause instanceof S3Failure && found.cause.status === 404 ? 'off' : 'unknown',
    };
  const { ObjectLockEnabled, Rule } = found.ObjectLockConfiguration ?? {};
  if (ObjectLockEnabled !== 'Enabled') return { kind: 'off' };
  const { Mode, Days, Years } = Rule?.DefaultRetention ?? {};
  const days = Days ?? (Years === undefined ? undefined : Years * 365);
  return Mode === undefined || days === undefined
    ? { kind: 'on' }
    : { kind: 'default', mode: Mode, days };
};

/**
 * Tries to delete an object that is not there. That changes nothing, and is refused to keys that
 * may not delete. In a bucket with versioning a plain DELETE would leave a delete marker, and only
 * hides; there the version `null` is deleted.
 */
const mayDelete = async (
  client: S3Client,
  absent: string,
  versioning: Protection['versioning'],
): Promise<Protection['mayDelete']> => {
  const isVersioned = versioning === 'on' || versioning === 'suspended';
  const Bucket = client.options.bucket;
  const command = new DeleteObjectCommand({
    Bucket,
    Key: absent,
    ...(isVersioned && { VersionId: 'null' }),
  });
  const tried = await orProblem(() =>
    client.control({ key: absent, doing: `try to delete ${quoteKey(absent)}` }, (sdk, options) =>
      sdk.send(command, options),
    ),
  );
  if (!(tried instanceof CharmError) || tried.code === 'object-missing') return 'yes';
  return tried.code === 'store-denied' ? 'no' : 'unknown';
};
