import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { createClient } from './client.ts';
import type { S3Options } from './options.ts';

/**
 * The names of the buckets that these credentials may see. Asked of the server itself, over a
 * connection of its own: everything else goes to one bucket.
 */
export const listBuckets = async (options: S3Options): Promise<readonly string[]> => {
  const client = createClient({ ...options, atRoot: true });
  try {
    const { Buckets = [] } = await client.control({ doing: 'list the buckets' }, (sdk, sending) =>
      sdk.send(new ListBucketsCommand({}), sending),
    );
    return Buckets.flatMap(({ Name }) => Name ?? []).sort();
  } finally {
    await client.close();
  }
};
