import { createHash } from 'node:crypto';
import { CharmError } from '../../errors.ts';
import type { ObjectStore } from '../../world.ts';
import type { S3Client } from './client.ts';
import { etagIn } from './headers.ts';
import { createReader } from './read.ts';
import type { S3Headers } from './request.ts';

export type Written = Awaited<ReturnType<ObjectStore['put']>>;

/** Reads the ETag in the headers of the reply to a write, and the id of the version. */
export const writtenEtag = (
  headers: S3Headers,
  doing: string,
  { description }: S3Client,
): Written => {
  const etag = etagIn(headers['etag']);
  const versionId = headers['x-amz-version-id'];
  if (etag !== undefined)
    // `null` is the only version in a bucket whose versioning is suspended.
    return { etag, ...(versionId && versionId !== 'null' && { versionId }) };
  throw new CharmError(
    'store-refused',
    `Could not ${doing}: the reply of ${description} has no ETag, so what answers there does not speak S3. Check the endpoint.`,
  );
};

/**
 * Reads back an object whose ETag proves nothing: with encryption by a key service, and from
 * gateways to other storages, ETags are not MD5s. Resolves with its ETag; rejects with
 * `store-corrupt` when its content does not have this SHA-256.
 */
export const readBack = async (
  client: S3Client,
  key: string,
  doing: string,
  sha256: string,
): Promise<Written> => {
  const { body, etag } = await createReader(client).get(key);
  const hash = createHash('sha256');
  const chunks: AsyncIterable<Uint8Array> = body;
  for await (const chunk of chunks) hash.update(chunk);
  if (hash.digest('hex') === sha256) return { etag };
  throw new CharmError(
    'store-corrupt',
    `Could not ${doing}: ${client.description} does not give back the bytes that were sent (its ETag is ${etag}). Do not trust the object there: look at the server and the network, then try again.`,
  );
};
