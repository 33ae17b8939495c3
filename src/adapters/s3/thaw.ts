import { RestoreObjectCommand } from '@aws-sdk/client-s3';
import { hasCode } from '../../errors.ts';
import type { ObjectStore } from '../../world.ts';
import { quoteKey, type S3Client } from './client.ts';
import { S3Failure } from './failure.ts';
import { writeHeaders } from './headers.ts';

/*
 * Archive classes of S3 (AWS, "Working with archived objects"): a GET or a copy of what lies there
 * is answered 403 InvalidObjectState until RestoreObject has thawed it, which takes hours.
 */

/**
 * Reads a byte to see whether an object can be read. Its class does not tell: a thawed object keeps
 * it, and other servers call an ordinary storage class by such a name.
 */
export const createThawer = (client: S3Client): Pick<ObjectStore, 'thaw'> => {
  const { touch } = writeHeaders(client.options);

  const isReadable = async (key: string): Promise<boolean> => {
    try {
      const doing = `read a byte of ${quoteKey(key)}`;
      await client.ask({ method: 'GET', key, doing, headers: { ...touch, range: 'bytes=0-0' } });
      return true;
    } catch (error) {
      // An empty object has no byte.
      if (hasCode(error, 'store-refused') && statusOf(error) === 416) return true;
      if (hasCode(error, 'object-archived')) return false;
      throw error;
    }
  };

  const ask = async (key: string, days: number, archive: string): Promise<'asked' | 'thawing'> => {
    const GlacierJobParameters = { Tier: 'Standard' as const };
    const command = new RestoreObjectCommand({
      ...{ Bucket: client.options.bucket, Key: key },
      // What INTELLIGENT_TIERING has archived comes back for good.
      RestoreRequest:
        archive === 'INTELLIGENT_TIERING'
          ? { GlacierJobParameters }
          : { Days: days, GlacierJobParameters },
    });
    try {
      await client.control({ key, doing: `have ${quoteKey(key)} thawed` }, (sdk, options) =>
        sdk.send(command, options),
      );
      return 'asked';
    } catch (error) {
      if (statusOf(error) === 409) return 'thawing';
      throw error;
    }
  };

  return {
    thaw: async (key, days) => {
      if (await isReadable(key)) return 'readable';
      const doing = `look at ${quoteKey(key)}`;
      const { headers } = await client.ask({ method: 'HEAD', key, doing, headers: touch });
      if (headers['x-amz-restore']?.includes('ongoing-request="true"')) return 'thawing';
      if (days === undefined) return 'frozen';
      return ask(key, days, headers['x-amz-storage-class'] ?? '');
    },
  };
};

const statusOf = (error: unknown): number | undefined =>
  error instanceof Error && error.cause instanceof S3Failure ? error.cause.status : undefined;
