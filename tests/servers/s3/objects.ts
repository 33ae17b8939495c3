import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { checkReadable, thawHeaders } from './archive.ts';
import type { S3Object } from './bucket.ts';
import { contentOf, receive, receiveText } from './content.ts';
import {
  type S3Context,
  checkKey,
  checkMayDelete,
  checkWriteConditions,
  copySourceOf,
  existing,
  existingVersion,
} from './context.ts';
import {
  checkReadConditions,
  describing,
  encryption,
  givenEtag,
  keptHeaders,
  rangeOf,
  checkTags,
  tagsIn,
  withoutEncryption,
} from './object-headers.ts';
import {
  S3Error,
  element,
  malformedXml,
  quotedEtag,
  unescapeXml,
  xmlReply,
  type S3Reply,
} from './replies.ts';

/** GET and HEAD of an object; the body of a HEAD is left out where the reply is sent. */
export const getObject = (context: S3Context): S3Reply => {
  const { headers, query } = context.incoming;
  const object = existingVersion(context, query.get('versionId'));
  const { quirks } = context.profile;
  checkReadConditions(object, headers);
  if (context.operation === 'GetObject') checkReadable(context, object);
  const isGzip = object.headers['content-encoding'] === 'gzip';
  const takesGzip = /gzip/.test(headers['accept-encoding'] ?? '');
  if (isGzip && !takesGzip && quirks.has('unpacks-gzip')) return unpacked(context, object);
  const part = context.profile.quirks.has('hides-part-sizes') ? undefined : query.get('partNumber');
  const range = part === undefined ? rangeOf(headers['range'], object.size) : partOf(object, part);
  const { start, end } = range ?? { start: 0, end: object.size - 1 };
  return {
    status: range ? 206 : 200,
    headers: {
      'accept-ranges': 'bytes',
      ...describing(object, context.profile),
      ...versionHeaders(object),
      ...thawHeaders(context, object),
      ...(range && { 'content-range': `bytes ${start}-${end}/${object.size}` }),
      ...(part !== undefined &&
        object.etag.includes('-') && { 'x-amz-mp-parts-count': String(object.files.length) }),
    },
    size: end - start + 1,
    ...(isGzip && quirks.has('sends-gzip-chunked') && { isChunked: true }),
    ...(context.operation === 'GetObject' && {
      body: contentOf(context.bucket, object.files, start, end),
    }),
  };
};

const unpacked = (context: S3Context, object: S3Object): S3Reply => {
  const headers = describing(object, context.profile);
  delete headers['content-encoding'];
  const bytes = object.files.map(({ file }) => readFileSync(context.bucket.pathOf(file)));
  return {
    status: 200,
    headers: { ...headers, 'x-goog-stored-content-encoding': 'gzip' },
    isChunked: true,
    ...(context.operation === 'GetObject' && { body: gunzipSync(Buffer.concat(bytes)) }),
  };
};

const versionHeaders = (
  version: Pick<S3Object, 'versionId'> | undefined,
): Record<string, string> =>
  version?.versionId === undefined ? {} : { 'x-amz-version-id': version.versionId };

const partOf = (
  object: S3Object,
  number: string,
): { readonly start: number; readonly end: number } => {
  const index = Number(number) - 1;
  const part = object.files[index];
  if (!part) throw new S3Error(416, 'InvalidPartNumber', 'The part number is not satisfiable');
  const start = object.files.slice(0, index).reduce((sum, { size }) => sum + size, 0);
  return { start, end: start + part.size - 1 };
};

export const putObject = async (context: S3Context): Promise<S3Reply> => {
  const { bucket, incoming, profile, key } = context;
  checkKey(context);
  checkWriteConditions(context);
  const tags = tagsIn(profile, incoming.headers['x-amz-tagging']);
  const stored = await receive(incoming, bucket, profile, context.fault);
  try {
    // Another writer may have been faster; of many only one wins.
    if (!profile.quirks.has('lets-racers-win')) checkWriteConditions(context);
  } catch (error) {
    rmSync(bucket.pathOf(stored.file), { force: true });
    throw error;
  }
  const headers = keptHeaders(incoming.headers);
  const etag = givenEtag(profile, stored.etag, headers);
  bucket.put({
    key,
    etag,
    size: stored.size,
    lastModified: context.now().getTime(),
    headers,
    tags,
    files: [{ file: stored.file, size: stored.size }],
  });
  return {
    status: 200,
    headers: { etag: quotedEtag(etag), ...encryption(headers), ...versionHeaders(bucket.get(key)) },
  };
};

export const copyObject = (context: S3Context): S3Reply => {
  checkKey(context);
  const { bucket, incoming, key, profile } = context;
  const { object: source, bucket: from } = copySourceOf(context);
  if (source.size > 5 * 2 ** 30)
    throw new S3Error(400, 'InvalidRequest', 'The specified copy source is larger than 5 GiB.');
  const replaced = incoming.headers['x-amz-metadata-directive'] === 'REPLACE';
  const retagged = incoming.headers['x-amz-tagging-directive'] === 'REPLACE';
  if (source === bucket.get(key) && !replaced)
    throw new S3Error(400, 'InvalidRequest', 'This copy request would change nothing.');
  const given = keptHeaders(incoming.headers);
  const object: S3Object = {
    ...source,
    key,
    etag: givenEtag(profile, source.etag, given),
    lastModified: context.now().getTime(),
    headers: { ...(replaced ? given : withoutEncryption(source.headers)), ...encryption(given) },
    tags: retagged ? tagsIn(profile, incoming.headers['x-amz-tagging']) : source.tags,
    files: source.files.map(({ file, size }) => {
      const copy = bucket.newFile();
      copyFileSync(from.pathOf(file), bucket.pathOf(copy));
      return { file: copy, size };
    }),
  };
  bucket.put(object);
  return xmlReply(
    'CopyObjectResult',
    element('LastModified', new Date(object.lastModified).toISOString()) +
      element('ETag', quotedEtag(object.etag)),
    200,
    {
      ...(!profile.quirks.has('hides-encryption-of-copies') && encryption(object.headers)),
      ...versionHeaders(bucket.get(key)),
    },
  );
};

export const deleteObject = (context: S3Context): S3Reply => {
  checkMayDelete(context, context.key);
  // There are no versions to choose from.
  if (context.incoming.query.get('versionId') !== undefined) return { status: 204 };
  context.bucket.remove(context.key, context.now());
  const headers = versionHeaders(context.bucket.versionsOf(context.key)[0]);
  const isMarker = context.profile.quirks.has('keeps-versions');
  return {
    status: 204,
    headers: { ...headers, ...(isMarker && { 'x-amz-delete-marker': 'true' }) },
  };
};

export const getTags = (context: S3Context): S3Reply => {
  const { quirks } = context.profile;
  if (quirks.has('refuses-tags')) throw new S3Error(501, 'NotImplemented', 'GetObjectTagging');
  const stored = Object.entries(
    existingVersion(context, context.incoming.query.get('versionId')).tags,
  );
  if (quirks.has('spoils-tags') && stored.some(([, value]) => value.includes('&')))
    throw new S3Error(400, 'InvalidTag', 'The tags that are stored cannot be parsed.');
  const tags = stored.map(
    ([name, value]) => `<Tag>${element('Key', name)}${element('Value', value)}</Tag>`,
  );
  return xmlReply('Tagging', `<TagSet>${tags.join('')}</TagSet>`);
};

export const putTags = async (context: S3Context): Promise<S3Reply> => {
  if (context.profile.quirks.has('refuses-tags'))
    throw new S3Error(501, 'NotImplemented', 'PutObjectTagging');
  const object = existing(context);
  const xml = await receiveText(context.incoming, context.profile);
  if (!xml.trimEnd().endsWith('</Tagging>')) throw malformedXml();
  const tags = [...xml.matchAll(/<Key>(.*?)<\/Key><Value>(.*?)<\/Value>/gs)].map(
    ([, name = '', value = '']) => [unescapeXml(name), unescapeXml(value)] as const,
  );
  checkTags(context.profile, Object.fromEntries(tags));
  context.bucket.alter({ ...object, tags: Object.fromEntries(tags) });
  return { status: 200 };
};
