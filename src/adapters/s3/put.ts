import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { md5Of } from '../../ports/etags.ts';
import type { PutOptions } from '../../world.ts';
import { checkedBody } from './body.ts';
import { quoteKey, type S3Call, type S3Client } from './client.ts';
import {
  conditionHeaders,
  aboutTagsOf,
  inBase64,
  metadataHeaders,
  writeHeaders,
} from './headers.ts';
import { putConditionally } from './put-conditionally.ts';
import { readBack, writtenEtag, type Written } from './written.ts';

/**
 * PUT of a whole object. Bytes are always sent with their Content-MD5; a stream only when the
 * caller knows its MD5, since it would have to be read twice.
 */
export const putObject = async (
  client: S3Client,
  key: string,
  content: Uint8Array | string | Readable,
  options: PutOptions & { readonly size?: number } = {},
): Promise<Written> => {
  const bytes =
    content instanceof Readable || content instanceof Uint8Array ? content : Buffer.from(content);
  const request = {
    method: 'PUT',
    key,
    doing: `write ${quoteKey(key)}`,
    onCondition: options.ifAbsent ? 'object-exists' : 'object-changed',
    ...aboutTagsOf(options.metadata),
    headers: {
      ...writeHeaders(client.options).create,
      ...metadataHeaders(options.metadata),
      ...conditionHeaders(options),
    },
    ...(options.signal && { signal: options.signal }),
  } as const;
  if (bytes instanceof Readable)
    return sendStream(client, request, bytes, { size: options.size ?? NaN, md5: options.md5 });
  const conditional = options.ifAbsent === true || options.ifMatch !== undefined;
  return conditional
    ? putConditionally(client, request, bytes, options)
    : putBytes(client, request, bytes, options.md5);
};

/**
 * A caller that gives an MD5 compares it with the ETag itself. For all others this is done here:
 * when the ETag is not the MD5, the object is read back.
 */
const putBytes = async (
  client: S3Client,
  request: S3Call & { readonly key: string },
  bytes: Uint8Array,
  given: string | undefined,
): Promise<Written> => {
  const md5 = given ?? md5Of(bytes);
  const written = await sendBytes(client, request, bytes, md5);
  if (given !== undefined || written.etag === md5) return written;
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { ...written, ...(await readBack(client, request.key, request.doing, sha256)) };
};

/** Sends bytes with their MD5, again when that may help. */
export const sendBytes = async (
  client: S3Client,
  request: S3Call,
  bytes: Uint8Array,
  md5 = md5Of(bytes),
): Promise<Written> => {
  const answer = await client.ask({
    ...request,
    headers: { ...request.headers, 'content-md5': inBase64(md5) },
    body: bytes,
    size: bytes.length,
  });
  return writtenEtag(answer.headers, request.doing, client);
};

/** Sends a stream, once. When the stream fails, rejects with the stream's own error. */
export const sendStream = async (
  client: S3Client,
  request: S3Call,
  source: Readable,
  { size, md5 }: { readonly size: number; readonly md5: string | undefined },
): Promise<Written> => {
  const { body, problem } = checkedBody(source, size, request.doing);
  const headers = {
    ...request.headers,
    ...(md5 !== undefined && { 'content-md5': inBase64(md5) }),
  };
  try {
    const answer = await client.ask({ ...request, headers, body, size });
    return writtenEtag(answer.headers, request.doing, client);
  } catch (error) {
    throw problem()?.error ?? error;
  } finally {
    source.destroy();
  }
};
