import { createHash } from 'node:crypto';
import { CharmError } from '../../errors.ts';
import type { PutOptions } from '../../world.ts';
import { quoteKey, type S3Client } from './client.ts';
import { S3Failure } from './failure.ts';
import { etagIn } from './metadata.ts';
import { conditionHeaders, type Written } from './put.ts';
import { createReader, xmlIn } from './read.ts';
import { etagIsMd5 } from './write-headers.ts';
import { escapeXml, textOf } from './xml.ts';

/**
 * Puts the parts together, in the order of their numbers. A request that was sent again and finds the upload gone has
 * succeeded before when the object is there with the ETag that the parts make.
 */
export const completeParts = async (
  client: S3Client,
  key: string,
  uploadId: string,
  etags: ReadonlyMap<number, string>,
  options: PutOptions,
): Promise<Written> => {
  const parts = [...etags].sort(([a], [b]) => a - b);
  const expected = etagOfParts(parts.map(([, etag]) => etag));
  let repeats = 0;
  try {
    const { xml, headers } = await client.call(
      {
        method: 'POST',
        key,
        doing: `finish writing ${quoteKey(key)}`,
        onCondition: options.ifAbsent ? 'object-exists' : 'object-changed',
        query: { uploadId },
        headers: { 'content-type': 'application/xml', ...conditionHeaders(options) },
        ...bodyOf(parts),
        slow: true,
        onRetry: () => {
          repeats += 1;
        },
      },
      xmlIn,
    );
    // RadosGW 16 leaves the ETag in this reply empty.
    const etag = etagIn(textOf(xml, 'ETag')) || (await createReader(client).head(key))?.etag || '';
    if (expected !== undefined && etag !== expected && etagIsMd5(headers) && isPartsEtag(etag))
      throw wrongEtag(client, key, etag, expected);
    return { etag };
  } catch (error) {
    if (repeats === 0 || !isGone(error)) throw error;
    const found = await createReader(client).head(key);
    if (found === undefined || found.etag !== expected) throw error;
    return { etag: found.etag };
  }
};

const bodyOf = (
  parts: readonly (readonly [number, string])[],
): { readonly body: Uint8Array; readonly size: number } => {
  const xml = parts.map(
    ([part, etag]) =>
      `<Part><PartNumber>${part}</PartNumber><ETag>&quot;${escapeXml(etag)}&quot;</ETag></Part>`,
  );
  const body = Buffer.from(
    `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${xml.join('')}</CompleteMultipartUpload>`,
  );
  return { body, size: body.length };
};

const md5Etag = /^[0-9a-f]{32}$/;

const isPartsEtag = (etag: string): boolean => /^[0-9a-f]{32}-\d+$/.test(etag);

/** S3's ETag for an object in parts; undefined when the server's ETags of parts are not MD5s. */
const etagOfParts = (etags: readonly string[]): string | undefined => {
  if (!etags.every((etag) => md5Etag.test(etag))) return undefined;
  const hash = createHash('md5');
  for (const etag of etags) hash.update(etag, 'hex');
  return `${hash.digest('hex')}-${etags.length}`;
};

const wrongEtag = (client: S3Client, key: string, etag: string, expected: string): CharmError =>
  new CharmError(
    'store-corrupt',
    `Could not finish writing ${quoteKey(key)}: ${client.description} put its parts together to the ETag ${etag}, and not to ${expected}. The object there is not to be trusted: look at the server, then try again.`,
  );

/** Ends an upload and frees what its parts take up. It is no error when there is no such upload any more. */
export const abortParts = async (
  client: S3Client,
  key: string,
  uploadId: string,
): Promise<void> => {
  try {
    await client.call(
      {
        method: 'DELETE',
        key,
        doing: `abort the unfinished upload of ${quoteKey(key)}`,
        query: { uploadId },
        tidies: true,
      },
      async ({ body }) => body.resume(),
    );
  } catch (error) {
    if (!isGone(error)) throw error;
  }
};

const isGone = (error: unknown): boolean =>
  error instanceof CharmError &&
  error.cause instanceof S3Failure &&
  error.cause.code === 'NoSuchUpload';
