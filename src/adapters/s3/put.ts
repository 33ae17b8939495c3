import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { CharmError, hasCode } from '../../errors.ts';
import type { ObjectStore, PutOptions } from '../../world.ts';
import { checkedBody } from './body.ts';
import { quoteKey, type S3Call, type S3Client } from './client.ts';
import type { S3Answer } from './reply.ts';
import { etagIn, metadataHeaders, etagIsMd5, writeHeaders } from './headers.ts';
import { createReader } from './read.ts';

export type Written = Awaited<ReturnType<ObjectStore['put']>>;

/**
 * PUT of a whole object. Bytes are always sent with their Content-MD5; a stream only when the caller knows its MD5, since it
 * would have to be read twice. A write with a condition that was sent again finds its own first copy: that is a success.
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
    headers: {
      ...writeHeaders(client.options).create,
      ...metadataHeaders(options.metadata),
      ...conditionHeaders(options),
    },
    ...(options.signal && { signal: options.signal }),
  } as const;
  if (bytes instanceof Readable)
    return sendStream(client, request, bytes, options.size ?? NaN, options.md5);
  return putBytes(client, request, bytes, options);
};

export const conditionHeaders = ({ ifAbsent, ifMatch }: PutOptions): Record<string, string> => ({
  ...(ifAbsent && { 'if-none-match': '*' }),
  ...(ifMatch !== undefined && { 'if-match': `"${ifMatch}"` }),
});

const putBytes = async (
  client: S3Client,
  request: S3Call & { readonly key: string },
  bytes: Uint8Array,
  { md5, ifMatch, ifAbsent }: PutOptions,
): Promise<Written> => {
  let repeats = 0;
  const onRetry = (): void => {
    repeats += 1;
  };
  try {
    return await sendBytes(client, { ...request, onRetry }, bytes, md5);
  } catch (error) {
    const conditional = ifAbsent === true || ifMatch !== undefined;
    if (!conditional || !hasCode(error, 'object-exists', 'object-changed')) throw error;
    const reader = createReader(client);
    const found = await reader.head(request.key);
    if (found !== undefined && found.etag === ifMatch)
      return sendBytes(client, withoutQuotes(request, ifMatch), bytes, md5);
    if (
      repeats > 0 &&
      found?.size === bytes.length &&
      (await reader.read(request.key)).equals(bytes)
    )
      return { etag: found.etag };
    throw error;
  }
};

/** RadosGW before 20 compares If-Match of a PUT with the bare ETag. */
const withoutQuotes = (request: S3Call, ifMatch: string): S3Call => ({
  ...request,
  headers: { ...request.headers, 'if-match': ifMatch },
});

/** Sends bytes, as often as it takes, and compares the ETag that comes back with their MD5. */
export const sendBytes = async (
  client: S3Client,
  request: S3Call,
  bytes: Uint8Array,
  md5 = createHash('md5').update(bytes).digest('hex'),
): Promise<Written> => {
  const answer = await client.ask({
    ...request,
    headers: { ...request.headers, 'content-md5': inBase64(md5) },
    body: bytes,
    size: bytes.length,
  });
  return written(answer, md5, request.doing, client);
};

/** Sends a stream, once. Rejects with the stream's own error when it is the stream that fails. */
export const sendStream = async (
  client: S3Client,
  request: S3Call,
  source: Readable,
  size: number,
  md5: string | undefined,
): Promise<Written> => {
  const { body, problem } = checkedBody(source, size, request.doing);
  const headers = {
    ...request.headers,
    ...(md5 !== undefined && { 'content-md5': inBase64(md5) }),
  };
  try {
    const answer = await client.ask({ ...request, headers, body, size });
    return written(answer, md5, request.doing, client);
  } catch (error) {
    throw problem()?.error ?? error;
  } finally {
    source.destroy();
  }
};

const inBase64 = (md5: string): string => Buffer.from(md5, 'hex').toString('base64');

const written = (
  { headers }: S3Answer,
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
