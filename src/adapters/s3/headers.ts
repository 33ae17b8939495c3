import { CharmError } from '../../errors.ts';
import type { ObjectMetadata, PutOptions, StoredObject } from '../../world.ts';
import { escapeKey, escapeS3 } from './address.ts';
import { decodeWords } from './encoded-words.ts';
import type { S3Options } from './options.ts';
import type { S3Response } from './reply.ts';

const plainHeaders = [
  ['contentType', 'content-type'],
  ['contentEncoding', 'content-encoding'],
  ['contentDisposition', 'content-disposition'],
  ['contentLanguage', 'content-language'],
  ['cacheControl', 'cache-control'],
  ['expires', 'expires'],
] as const;

const userPrefix = 'x-amz-meta-';

/** The headers that give a new object its metadata. */
export const metadataHeaders = (metadata: Partial<ObjectMetadata> = {}): Record<string, string> => {
  const headers: Record<string, string> = {};
  for (const [field, header] of plainHeaders) {
    const value = metadata[field];
    if (value !== undefined) headers[header] = value;
  }
  for (const [name, value] of Object.entries(metadata.user ?? {}))
    headers[userPrefix + name.toLowerCase()] = value;
  const tags = Object.entries(metadata.tags ?? {});
  if (tags.length > 0)
    headers['x-amz-tagging'] = tags
      .map(([name, value]) => `${escapeS3(name)}=${escapeS3(value)}`)
      .join('&');
  return headers;
};

/** What a failed write is explained with when it had tags. */
export const aboutTagsOf = ({ tags }: Partial<ObjectMetadata> = {}): {
  readonly aboutTags?: 'written';
} => (Object.keys(tags ?? {}).length > 0 ? { aboutTags: 'written' } : {});

/** Makes a write depend on what is there. */
export const conditionHeaders = ({ ifAbsent, ifMatch }: PutOptions): Record<string, string> => ({
  ...(ifAbsent && { 'if-none-match': '*' }),
  ...(ifMatch !== undefined && { 'if-match': `"${ifMatch}"` }),
});

/** Names the source of a copy, its version, and the ETag that it must have. */
export const copySource = (
  bucket: string,
  from: string,
  { etag, versionId }: { readonly etag: string; readonly versionId?: string | undefined },
): { readonly CopySource: string; readonly CopySourceIfMatch: string } => ({
  CopySource: `/${escapeS3(bucket)}/${escapeKey(from)}${versionId === undefined ? '' : `?versionId=${escapeS3(versionId)}`}`,
  CopySourceIfMatch: `"${etag}"`,
});

/**
 * What the headers of a GET or HEAD tell of an object. They only count its tags. `listedSize` is
 * used when there is no Content-Length.
 */
export const describedBy = (
  key: string,
  response: Pick<S3Response, 'headers'>,
  description: string,
  listedSize?: number,
): StoredObject & { readonly metadata: ObjectMetadata } => {
  const { headers } = response;
  const size = sizeIn(headers) ?? listedSize;
  const etag = etagIn(headers['etag']);
  if (size === undefined || etag === undefined)
    throw new CharmError(
      'store-refused',
      `The reply of ${description} for ${JSON.stringify(key)} lacks ${size === undefined ? 'Content-Length' : 'ETag'}: it does not speak S3. Check the endpoint.`,
    );
  return {
    key,
    size,
    etag,
    lastModified: new Date(headers['last-modified'] ?? 0),
    ...archiveIn(headers['x-amz-storage-class']),
    metadata: metadataIn(headers),
  };
};

/** GLACIER_IR is read at once, and so are all others that are not named here. */
export const archiveIn = (storageClass: string | undefined): { readonly archive?: string } =>
  storageClass !== undefined && /^(GLACIER|DEEP_ARCHIVE|INTELLIGENT_TIERING)$/.test(storageClass)
    ? { archive: storageClass }
    : {};

/** Without quotes, and without the mark of a weak ETag, which proxies that compress add. */
export const etagIn = (value: string | undefined): string | undefined =>
  value?.replace(/^W\//, '').replaceAll('"', '') || undefined;

/** The size of the whole object, also in the reply to a request for a range. */
export const sizeIn = (headers: Readonly<Record<string, string>>): number | undefined => {
  const size = headers['content-range']?.split('/')[1] ?? headers['content-length'];
  return size !== undefined && /^\d+$/.test(size) ? Number(size) : undefined;
};

const metadataIn = (headers: Readonly<Record<string, string>>): ObjectMetadata => {
  const plain: Partial<Record<(typeof plainHeaders)[number][0], string>> = {};
  for (const [field, header] of plainHeaders) {
    const value = headers[header];
    if (value !== undefined) plain[field] = value;
  }
  const user: Record<string, string> = {};
  for (const name of Object.keys(headers))
    if (name.startsWith(userPrefix))
      user[name.slice(userPrefix.length)] = decodeWords(headers[name] ?? '');
  return { ...plain, user, tags: {} };
};

/** The headers that the options ask for, for each kind of request. */
interface S3WriteHeaders {
  /** For requests that make an object: PUT, CopyObject, CreateMultipartUpload. */
  readonly create: Readonly<Record<string, string>>;
  /**
   * For every other request that touches bytes (parts, GET, HEAD): a customer's own key must be
   * sent with all of them.
   */
  readonly touch: Readonly<Record<string, string>>;
  /** The same key, for the source of a copy. */
  readonly copySource: Readonly<Record<string, string>>;
}

const customerKey = 'x-amz-server-side-encryption-customer-';

export const writeHeaders = ({
  storageClass,
  serverSideEncryption,
  extraHeaders = {},
}: S3Options): S3WriteHeaders => {
  const extra = Object.entries(extraHeaders).map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  );
  const touch = extra.filter(([name]) => name.startsWith(customerKey));
  return {
    create: {
      ...Object.fromEntries(extra),
      ...(storageClass && { 'x-amz-storage-class': storageClass }),
      ...(serverSideEncryption && {
        'x-amz-server-side-encryption': serverSideEncryption.algorithm,
        ...(serverSideEncryption.keyId && {
          'x-amz-server-side-encryption-aws-kms-key-id': serverSideEncryption.keyId,
        }),
      }),
    },
    touch: Object.fromEntries(touch),
    copySource: Object.fromEntries(
      touch.map(([name, value]) => [name.replace('x-amz-', 'x-amz-copy-source-'), value]),
    ),
  };
};

/** The form of an MD5 in the header Content-MD5. */
export const inBase64 = (md5: string): string => Buffer.from(md5, 'hex').toString('base64');
