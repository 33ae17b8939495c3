import { createHash, randomBytes } from 'node:crypto';
import type { S3Object } from './bucket.ts';
import type { S3Incoming } from './incoming.ts';
import type { S3Profile } from './profiles.ts';
import { S3Error, quotedEtag } from './replies.ts';

type Headers = S3Incoming['headers'];

const kept = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
];

/** The headers of a write that a GET repeats. */
export const keptHeaders = (headers: Headers): Record<string, string> => {
  const encryptionHeader = /^x-amz-server-side-encryption(-aws-kms-key-id|-customer-algorithm)?$/;
  const result: Record<string, string> = { 'content-type': 'binary/octet-stream' };
  for (const [name, value] of Object.entries(headers))
    if (kept.includes(name) || name.startsWith('x-amz-meta-') || encryptionHeader.test(name))
      result[name] = value;
  const storageClass = headers['x-amz-storage-class'];
  if (storageClass !== undefined && storageClass !== 'STANDARD')
    result['x-amz-storage-class'] = storageClass;
  return result;
};

export const encryption = (headers: Headers): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.startsWith('x-amz-server-side-encryption')),
  );

export const withoutEncryption = (headers: Headers): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => !name.startsWith('x-amz-server-side-encryption')),
  );

/**
 * The ETag that this server gives to content whose ETag by S3's rules is `etag`. With KMS it is no
 * MD5 of the content.
 */
export const givenEtag = ({ quirks }: S3Profile, etag: string, headers: Headers): string => {
  const isInParts = etag.includes('-');
  if (quirks.has('invents-etags')) return `0x8D${randomBytes(7).toString('hex').toUpperCase()}`;
  if (quirks.has('numbers-etags') && !isInParts) return `${etag}-1`;
  return headers['x-amz-server-side-encryption']?.startsWith('aws:kms') ||
    (quirks.has('hashes-parts-otherwise') && isInParts)
    ? createHash('md5').update(`encrypted ${etag}`).digest('hex')
    : etag;
};

/** `a=1&b=2`, percent-encoded; of an upload in parts they may be looked at less closely. */
export const tagsIn = (
  { quirks }: S3Profile,
  header: string | undefined,
  inParts = false,
): Record<string, string> => {
  if (quirks.has('refuses-tags') && header !== undefined)
    throw new S3Error(501, 'NotImplemented', "Header 'x-amz-tagging' not implemented");
  const tags = Object.fromEntries(new URLSearchParams(header ?? ''));
  checkTags({ quirks }, tags, inParts);
  return tags;
};

export const checkTags = (
  { quirks }: Pick<S3Profile, 'quirks'>,
  tags: Readonly<Record<string, string>>,
  inParts = false,
): void => {
  const texts = Object.entries(tags).flat();
  if (
    (quirks.has('refuses-odd-tags') && texts.some(isOddTag)) ||
    (quirks.has('takes-ascii-tags') && !texts.every((text) => /^[\w .:/=+\-@]*$/.test(text))) ||
    (quirks.has('spoils-tags') && !inParts && texts.some((text) => text.includes('&')))
  )
    throw new S3Error(400, 'InvalidTag', 'The TagValue you have provided is invalid');
};

const isOddTag = (text: string): boolean => !/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(text);

/** What GET and HEAD tell of an object. */
export const describing = (object: S3Object, { quirks }: S3Profile): Record<string, string> => {
  const tags = Object.keys(object.tags).length;
  return {
    ...(quirks.has('encodes-metadata') ? withEncodedWords(object.headers) : object.headers),
    etag: quotedEtag(object.etag),
    'last-modified': new Date(object.lastModified).toUTCString(),
    ...(tags > 0 && { 'x-amz-tagging-count': String(tags) }),
  };
};

/** Metadata beyond ASCII as encoded words of RFC 2047, which hold 75 characters at most. */
const withEncodedWords = (headers: Headers): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      name.startsWith('x-amz-meta-') && /[^ -~]/.test(value) ? encodedWords(value) : value,
    ]),
  );

/** `value` has one character for each byte. */
const encodedWords = (value: string): string => {
  const words: string[] = [];
  let word = '';
  for (const character of Buffer.from(value, 'latin1').toString('utf8')) {
    const encoded = /^[!-<>@-^`-~]$/.test(character)
      ? character
      : character === ' '
        ? '_'
        : [...Buffer.from(character)]
            .map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)
            .join('');
    if (word.length + encoded.length > 60) {
      words.push(word);
      word = '';
    }
    word += encoded;
  }
  return [...words, word].map((one) => `=?UTF-8?q?${one}?=`).join(' ');
};

export const checkReadConditions = (object: S3Object, headers: Headers): void => {
  const match = headers['if-match'];
  if (match !== undefined && match !== '*' && bare(match) !== object.etag)
    throw preconditionFailed();
  const none = headers['if-none-match'];
  if (none !== undefined && (none === '*' || bare(none) === object.etag))
    throw new S3Error(304, 'NotModified', '');
};

export const bare = (etag: string): string => etag.replaceAll('"', '');

export const preconditionFailed = (): S3Error =>
  new S3Error(
    412,
    'PreconditionFailed',
    'At least one of the preconditions you specified did not hold.',
  );

/** `bytes=a-b`, `bytes=a-`, `bytes=-n`; undefined when there is none. */
export const rangeOf = (
  header: string | undefined,
  size: number,
): { readonly start: number; readonly end: number } | undefined => {
  if (header === undefined) return undefined;
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
  const start = first === '' ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if ((first === '' && last === '') || start >= size || end < start)
    throw new S3Error(416, 'InvalidRange', 'The requested range is not satisfiable', {
      'content-range': `bytes */${size}`,
    });
  return { start, end };
};
