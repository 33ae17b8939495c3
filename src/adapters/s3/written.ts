import { CharmError } from '../../errors.ts';
import type { ObjectStore } from '../../world.ts';
import type { S3Client } from './client.ts';
import type { S3Headers } from './request.ts';
import { etagIn, etagIsMd5 } from './headers.ts';

export type Written = Awaited<ReturnType<ObjectStore['put']>>;

/** Reads the ETag in the headers of a reply, and compares it with the MD5 that was sent. */
export const written = (
  headers: S3Headers,
  md5: string | undefined,
  doing: string,
  { description }: S3Client,
): Written => {
  const etag = etagIn(headers['etag']);
  if (etag === undefined)
    throw new CharmError(
      'store-refused',
      `Could not ${doing}: the reply of ${description} has no ETag, so what answers there does not speak S3. Check the endpoint.`,
    );
  if (md5 !== undefined && etag !== md5 && etagIsMd5(headers))
    throw new CharmError(
      'store-corrupt',
      `Could not ${doing}: ${description} says that it stored bytes with the MD5 ${etag}, but ${md5} was sent. The object there is not to be trusted: look at the server and the network, then try again.`,
    );
  return { etag };
};

/** The form that Content-MD5 has. */
export const inBase64 = (md5: string): string => Buffer.from(md5, 'hex').toString('base64');
