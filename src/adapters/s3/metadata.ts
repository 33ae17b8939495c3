import type { ObjectMetadata, StoredObject } from '../../world.ts';
import { CharmError } from '../../errors.ts';
import type { S3Response } from './answer.ts';
import { escapeKey, escapeS3 } from './address.ts';

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

/** The headers that name the source of a copy in the same bucket, and guard it. */
export const copySource = (bucket: string, from: string, etag: string): Record<string, string> => ({
  'x-amz-copy-source': `/${escapeS3(bucket)}/${escapeKey(from)}`,
  'x-amz-copy-source-if-match': `"${etag}"`,
});

/** What the headers of a GET or HEAD tell of an object. Tags are only counted there. */
export const describedBy = (
  key: string,
  response: Pick<S3Response, 'headers'>,
  description: string,
): StoredObject & { readonly metadata: ObjectMetadata } => {
  const { headers } = response;
  const size = sizeIn(headers);
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
    metadata: metadataIn(headers),
  };
};

/** Without quotes and without the mark of a weak ETag, which proxies that compress put there. */
export const etagIn = (value: string | undefined): string | undefined =>
  value?.replace(/^W\//, '').replaceAll('"', '') || undefined;

/** Of the whole object, also when only a range of it was asked for. */
const sizeIn = (headers: Readonly<Record<string, string>>): number | undefined => {
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
    if (name.startsWith(userPrefix)) user[name.slice(userPrefix.length)] = headers[name] ?? '';
  return { ...plain, user, tags: {} };
};
