import { copyFileSync, rmSync } from 'node:fs';
import type { S3Object } from './bucket.ts';
import { contentOf, receive, receiveText } from './content.ts';
import {
  type S3Context,
  checkKey,
  checkWriteConditions,
  copySourceOf,
  existing,
} from './context.ts';
import {
  checkReadConditions,
  describing,
  encryptedEtag,
  encryption,
  keptHeaders,
  rangeOf,
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
  const object = existing(context);
  const { headers, query } = context.incoming;
  checkReadConditions(object, headers);
  const part = context.profile.partNumbers ? query.get('partNumber') : undefined;
  const range = part === undefined ? rangeOf(headers['range'], object.size) : partOf(object, part);
  const { start, end } = range ?? { start: 0, end: object.size - 1 };
  return {
    status: range ? 206 : 200,
    headers: {
      'accept-ranges': 'bytes',
      ...describing(object),
      ...(range && { 'content-range': `bytes ${start}-${end}/${object.size}` }),
      ...(part !== undefined &&
        object.etag.includes('-') && { 'x-amz-mp-parts-count': String(object.files.length) }),
    },
    size: end - start + 1,
    ...(context.operation === 'GetObject' && {
      body: contentOf(context.bucket, object.files, start, end),
    }),
  };
};

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
  checkWriteConditions(context, profile.putConditions);
  const stored = await receive(incoming, bucket, profile, context.fault);
  try {
    // Another writer may have been faster; of many only one wins.
    checkWriteConditions(context, profile.putConditions);
  } catch (error) {
    rmSync(bucket.pathOf(stored.file), { force: true });
    throw error;
  }
  const headers = keptHeaders(incoming.headers);
  const etag = encryptedEtag(stored.etag, headers);
  bucket.put({
    key,
    etag,
    size: stored.size,
    lastModified: context.now().getTime(),
    headers,
    tags: tagsIn(incoming.headers['x-amz-tagging']),
    files: [{ file: stored.file, size: stored.size }],
  });
  return { status: 200, headers: { etag: quotedEtag(etag), ...encryption(headers) } };
};

export const copyObject = (context: S3Context): S3Reply => {
  checkKey(context);
  const { bucket, incoming, key } = context;
  const { object: source, bucket: from } = copySourceOf(context);
  if (source.size > 5 * 2 ** 30)
    throw new S3Error(400, 'InvalidRequest', 'The specified copy source is larger than 5 GiB.');
  const replaced = incoming.headers['x-amz-metadata-directive'] === 'REPLACE';
  const retagged = incoming.headers['x-amz-tagging-directive'] === 'REPLACE';
  if (key === source.key && bucket === from && !replaced)
    throw new S3Error(400, 'InvalidRequest', 'This copy request would change nothing.');
  const given = keptHeaders(incoming.headers);
  const object: S3Object = {
    ...source,
    key,
    etag: encryptedEtag(source.etag, given),
    lastModified: context.now().getTime(),
    headers: { ...(replaced ? given : withoutEncryption(source.headers)), ...encryption(given) },
    tags: retagged ? tagsIn(incoming.headers['x-amz-tagging']) : source.tags,
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
    encryption(object.headers),
  );
};

export const deleteObject = ({ bucket, key }: S3Context): S3Reply => {
  bucket.remove(key);
  return { status: 204 };
};

export const getTags = (context: S3Context): S3Reply => {
  const tags = Object.entries(existing(context).tags).map(
    ([name, value]) => `<Tag>${element('Key', name)}${element('Value', value)}</Tag>`,
  );
  return xmlReply('Tagging', `<TagSet>${tags.join('')}</TagSet>`);
};

export const putTags = async (context: S3Context): Promise<S3Reply> => {
  const object = existing(context);
  const xml = await receiveText(context.incoming, context.profile);
  if (!xml.trimEnd().endsWith('</Tagging>')) throw malformedXml();
  const tags = [...xml.matchAll(/<Key>(.*?)<\/Key><Value>(.*?)<\/Value>/gs)].map(
    ([, name = '', value = '']) => [unescapeXml(name), unescapeXml(value)] as const,
  );
  context.bucket.put({ ...object, tags: Object.fromEntries(tags) });
  return { status: 200 };
};
