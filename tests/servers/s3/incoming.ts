import type { IncomingMessage } from 'node:http';
import { S3Error } from './replies.ts';

/** A request as it came in, decoded. */
export interface S3Incoming {
  readonly method: string;
  /** Decoded, and not tidied up. */
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
  /** By lower-case name; the bytes of the values as Latin-1. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bucket: string;
  readonly key: string;
  readonly message: IncomingMessage;
}

/** `hostname` is the name under which buckets are hosts of their own (`bucket.hostname`). */
export const readIncoming = (message: IncomingMessage, hostname: string): S3Incoming => {
  const [rawPath = '/', rawQuery = ''] = splitOnce(message.url ?? '/', '?');
  const path = decodePath(rawPath);
  const headers = Object.fromEntries(
    Object.entries(message.headers).map(([name, value]) => [name, [value].flat().join(',')]),
  );
  const query = new Map(
    rawQuery
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => {
        const [name = '', value = ''] = splitOnce(pair, '=');
        return [decode(name), decode(value)] as const;
      }),
  );
  const host = (headers['host'] ?? '').replace(/:\d+$/, '');
  const [bucket = '', key = ''] = host.endsWith(`.${hostname}`)
    ? [host.slice(0, -hostname.length - 1), path.slice(1)]
    : splitOnce(path.slice(1), '/');
  return { method: message.method ?? '', path, query, headers, bucket, key, message };
};

/** Rejects what S3 does not have, so that a client's mistake is seen and not passed over. */
export const checkVocabulary = (
  { query, headers }: S3Incoming,
  allowedQuery: readonly string[],
): void => {
  for (const name of query.keys())
    if (!allowedQuery.includes(name) && name !== 'x-id' && !name.startsWith('X-Amz-'))
      throw new S3Error(501, 'UnknownQuery', `The test server does not know the query ${name}.`);
  for (const name of Object.keys(headers))
    if (!knownHeaders.has(name) && !knownPrefixes.some((prefix) => name.startsWith(prefix)))
      throw new S3Error(501, 'UnknownHeader', `The test server does not know the header ${name}.`);
};

/** The value of a header as text. */
export const textHeader = (headers: S3Incoming['headers'], name: string): string | undefined => {
  const value = headers[name];
  return value === undefined ? undefined : Buffer.from(value, 'latin1').toString('utf8');
};

const knownHeaders = new Set([
  'accept',
  'accept-encoding',
  'amz-sdk-invocation-id',
  'amz-sdk-request',
  'authorization',
  'cache-control',
  'connection',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-md5',
  'content-type',
  'date',
  'expect',
  'expires',
  'host',
  'if-match',
  'if-none-match',
  'range',
  'transfer-encoding',
  'user-agent',
  'x-amz-acl',
  'x-amz-content-sha256',
  'x-amz-copy-source',
  'x-amz-copy-source-if-match',
  'x-amz-copy-source-range',
  'x-amz-date',
  'x-amz-decoded-content-length',
  'x-amz-metadata-directive',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-storage-class',
  'x-amz-tagging',
  'x-amz-tagging-directive',
  'x-amz-trailer',
  'x-amz-user-agent',
]);

const knownPrefixes = [
  'x-amz-meta-',
  'x-amz-checksum-',
  'x-amz-server-side-encryption',
  'x-amz-copy-source-server-side-encryption-customer-',
];

const splitOnce = (text: string, at: string): readonly string[] => {
  const index = text.indexOf(at);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)];
};

const decodePath = (path: string): string => path.split('/').map(decode).join('/');

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error(400, 'InvalidURI', "Couldn't parse the specified URI.");
  }
};
