import { CopyObjectCommand } from '@aws-sdk/client-s3';
import type { ObjectStore } from '../../world.ts';
import { quoteKey, type S3Client } from './client.ts';
import { fillParts } from './copy.ts';
import { copySource, etagIn, aboutTagsOf, metadataHeaders, writeHeaders } from './headers.ts';
import { keepTags, startParts } from './parts.ts';
import { createReader } from './read.ts';

/**
 * Copies between buckets of one server. Metadata and tags are written and not copied, so that the
 * copy has what the caller knows of. The origin is read without the customer's own key, which
 * belongs to this bucket alone.
 */
export const createCopierFrom = (client: S3Client): Pick<ObjectStore, 'origin' | 'copyFrom'> => {
  const { bucket, endpoint } = client.options;
  return {
    origin: ({ key, etag }) => ({ server: serverAt(endpoint), bucket, key, etag }),
    copyFrom: async (origin, to, { metadata, partSize, mayWrite }) => {
      if (partSize === undefined) return await copyAtOnce(client, origin, to, metadata);
      const parts = await startParts(client, to, metadata);
      return await fillParts(parts, origin, { size: origin.size, partSize, mayWrite });
    },
  };
};

const copyAtOnce = async (
  client: S3Client,
  origin: Parameters<ObjectStore['copyFrom']>[0],
  to: string,
  metadata: Parameters<ObjectStore['copyFrom']>[2]['metadata'],
): Promise<{ readonly etag: string }> => {
  const about = aboutTagsOf(metadata);
  const output = await client.control(
    {
      key: to,
      doing: `copy ${quoteKey(origin.key)} of the bucket ${origin.bucket} to ${quoteKey(to)}`,
      headers: { ...writeHeaders(client.options).create, ...metadataHeaders(metadata) },
      slow: true,
      ...about,
    },
    (sdk, options) =>
      sdk.send(
        new CopyObjectCommand({
          ...{ Bucket: client.options.bucket, Key: to, MetadataDirective: 'REPLACE' },
          ...(about.aboutTags && { TaggingDirective: 'REPLACE' }),
          ...copySource(origin.bucket, origin.key, origin),
        }),
        options,
      ),
  );
  await keepTags(client, to, metadata.tags);
  const etag = etagIn(output.CopyObjectResult?.ETag) ?? (await createReader(client).head(to))?.etag;
  return { etag: etag ?? '' };
};

/** `https://host:port/path`, written in one way. */
const serverAt = (endpoint: string): string => new URL(endpoint).href.replace(/\/+$/, '');
