import { createHash } from 'node:crypto';
import { CharmError } from '../../errors.ts';
import type { ObjectStore } from '../../world.ts';
import type { S3Client } from './client.ts';
import { etagIn } from './headers.ts';
import { createReader } from './read.ts';
import type { S3Headers } from './request.ts';

export type Written = Awaited<ReturnType<ObjectStore['put']>>;

/** Reads the ETag in the headers of the reply to a write. */
export const writtenEtag = (
  headers: S3Headers,
  doing: string,
  { description }: S3Client,
): Written => {
  const etag = etagIn(headers['etag']);
  if (etag !== undefined) return { etag };
  throw new CharmError(
    'store-refused',
    `Could not ${doing}: the reply of ${description} has no ETag, so what answers there does not speak S3. Check the endpoint.`,
  );
};

/**
 * Reads an object back whose ETag proves nothing: encryption by a key service gives others than
 * MD5s, and so do gateways to other storages. Resolves with its ETag; rejects with `store-corrupt`
 * when it has not the content with this SHA-256.
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
    `Could not ${doing}: ${client.description} gives other bytes back than it was sent (its ETag is ${etag}). The object there is not to be trusted: look at the server and the network, then try again.`,
  );
};
