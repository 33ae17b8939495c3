import { foldersAbove, type S3Context } from './context.ts';
import { classOf } from './archive.ts';
import type { S3Object } from './bucket.ts';
import { compareKeys } from './key-order.ts';
import { S3Error, element, quotedEtag, xmlReply, type S3Reply } from './replies.ts';

type Entry = { readonly object: S3Object } | { readonly prefix: string };

/** ListObjectsV2, and ListObjects (V1) for clients that still use it. */
export const listObjects = (context: S3Context): S3Reply => {
  const { query } = context.incoming;
  const second = query.get('list-type') === '2';
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const most = Math.min(numberIn(query.get('max-keys'), 1000), 1000);
  const token = query.get('continuation-token');
  const after =
    token === undefined ? (query.get(second ? 'start-after' : 'marker') ?? '') : tokenText(token);
  const encode = encoder(context, query.get('encoding-type'));

  const found = entries(context, prefix, delimiter, after);
  const page: Entry[] = [];
  let next = found.next();
  for (; !next.done && page.length < most; next = found.next()) page.push(next.value);
  const truncated = !next.done && most > 0;
  const last = page.at(-1);
  const lastName = last ? nameOf(last) : '';

  const objects = page.flatMap((entry) => ('object' in entry ? [entry.object] : []));
  const prefixes = page.flatMap((entry) => ('prefix' in entry ? [entry.prefix] : []));
  return xmlReply(
    'ListBucketResult',
    [
      element('Name', context.bucketName),
      element('Prefix', encode(prefix)),
      delimiter && element('Delimiter', encode(delimiter)),
      query.has('encoding-type') ? element('EncodingType', 'url') : '',
      element('MaxKeys', most),
      second ? element('KeyCount', page.length) : '',
      element('IsTruncated', String(truncated)),
      truncated && second ? element('NextContinuationToken', textToken(lastName)) : '',
      truncated && !second ? element('NextMarker', encode(lastName)) : '',
      ...inOrderOf(context, objects).map((object) => contents(object, encode)),
      ...prefixes.map(
        (one) => `<CommonPrefixes>${element('Prefix', encode(one))}</CommonPrefixes>`,
      ),
    ].join(''),
  );
};

/** Of each page, which is enough for a listing to be out of order. */
const inOrderOf = (
  { profile: { quirks } }: S3Context,
  objects: readonly S3Object[],
): readonly S3Object[] => {
  if (!quirks.has('sorts-folders-by-name')) return objects;
  // A slash sorts before every other character then.
  const asName = ({ key }: S3Object): string => key.replaceAll('/', '\0');
  return objects.toSorted((a, b) => compareKeys(asName(a), asName(b)));
};

const nameOf = (entry: Entry): string => ('object' in entry ? entry.object.key : entry.prefix);

function* entries(
  { bucket, profile: { quirks } }: S3Context,
  prefix: string,
  delimiter: string,
  after: string,
): Generator<Entry> {
  let group: string | undefined;
  for (const object of bucket.from(compareKeys(after, prefix) > 0 ? after : prefix)) {
    const { key } = object;
    if (!key.startsWith(prefix)) return;
    if (compareKeys(key, after) <= 0) continue;
    if (
      quirks.has('hides-objects-below-objects') &&
      foldersAbove(key).some((folder) => bucket.get(folder))
    )
      continue;
    const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    if (at < 0) {
      yield { object };
      continue;
    }
    const common = key.slice(0, at + delimiter.length);
    if (common === group || common === after) continue;
    group = common;
    yield { prefix: common };
  }
}

const contents = (object: S3Object, encode: (text: string) => string): string => {
  const { key, etag, size, lastModified } = object;
  return `<Contents>${element('Key', encode(key))}${element('LastModified', new Date(lastModified).toISOString())}${element('ETag', quotedEtag(etag))}${element('Size', size)}${element('StorageClass', classOf(object))}</Contents>`;
};

/** How keys are written in the listings of this server when the client asks for `url`. */
export const encoder = (
  { profile }: S3Context,
  type: string | undefined,
): ((text: string) => string) => {
  if (type === undefined) return (text) => text;
  if (type !== 'url') throw new S3Error(400, 'InvalidArgument', 'Invalid Encoding Method');
  return (key) => {
    const isLossy = profile.quirks.has('loses-control-characters');
    const text = isLossy ? key.replace(/\p{Cc}/gu, '\ufffd') : key;
    const encoded = encodeURIComponent(text).replaceAll('%2F', '/');
    return profile.quirks.has('writes-spaces-as-spaces') ? encoded : encoded.replaceAll('%20', '+');
  };
};

export const numberIn = (text: string | undefined, otherwise: number): number => {
  if (text === undefined) return otherwise;
  if (!/^\d+$/.test(text)) throw new S3Error(400, 'InvalidArgument', 'Not a number.');
  return Number(text);
};

/** Opaque on purpose: a client that looks inside or does not encode it in its URL fails. */
const textToken = (text: string): string => `+/=${Buffer.from(text).toString('base64')}`;

const tokenText = (token: string): string => {
  if (!token.startsWith('+/='))
    throw new S3Error(400, 'InvalidArgument', 'The continuation token provided is incorrect');
  return Buffer.from(token.slice(3), 'base64').toString('utf8');
};
