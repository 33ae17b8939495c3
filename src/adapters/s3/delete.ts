import { DeleteObjectCommand, DeleteObjectsCommand } from '@aws-sdk/client-s3';
import { hasCode } from '../../errors.ts';
import { quoteKey, type S3Client } from './client.ts';
import { fitsXml } from './xml.ts';

/**
 * Deletes objects, a thousand with one request. Keys that XML cannot carry (control characters) are
 * deleted one by one. Rejects with the first refusal.
 */
export const deleteKeys = async (client: S3Client, keys: readonly string[]): Promise<void> => {
  const together = keys.length > 1 ? keys.filter(fitsXml) : [];
  for (let at = 0; at < together.length; at += most)
    await deleteTogether(client, together.slice(at, at + most));
  for (const key of keys.length > 1 ? keys.filter((one) => !fitsXml(one)) : keys)
    await deleteOne(client, key);
};

/** S3's limit for one request. */
const most = 1000;

const deleteOne = async (client: S3Client, key: string): Promise<void> => {
  try {
    await client.control({ key, doing: `delete ${quoteKey(key)}`, tidies: true }, (sdk, options) =>
      sdk.send(new DeleteObjectCommand({ Bucket: client.options.bucket, Key: key }), options),
    );
  } catch (error) {
    if (!hasCode(error, 'object-missing')) throw error;
  }
};

/** The reply is 200 also when some were refused, and names only those, because of Quiet. */
const deleteTogether = async (client: S3Client, keys: readonly string[]): Promise<void> => {
  const Objects = keys.map((Key) => ({ Key }));
  await client.control({ doing: `delete ${keys.length} objects`, tidies: true }, (sdk, options) =>
    sdk.send(
      new DeleteObjectsCommand({ Bucket: client.options.bucket, Delete: { Objects, Quiet: true } }),
      options,
    ),
  );
};
