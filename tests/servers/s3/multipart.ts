import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import type { S3Upload } from './bucket.ts';
import { contentOf, receive, receiveText } from './content.ts';
import { checkKey, checkWriteConditions, copySourceOf, type S3Context } from './context.ts';
import { bare, encryption, givenEtag, keptHeaders, rangeOf, tagsIn } from './object-headers.ts';
import {
  S3Error,
  element,
  malformedXml,
  quotedEtag,
  unescapeXml,
  xmlReply,
  type S3Reply,
} from './replies.ts';
import { etagOfParts } from '../../../src/ports/etags.ts';

const leastPart = 5 * 2 ** 20;

export const createUpload = (context: S3Context): S3Reply => {
  const { bucket, bucketName, key, incoming, profile } = context;
  checkKey(context);
  const id = `${randomBytes(12).toString('base64url')}.${randomBytes(3).toString('hex')}~`;
  const headers = keptHeaders(incoming.headers);
  const tags = tagsIn(profile, incoming.headers['x-amz-tagging'], true);
  bucket.startUpload({ id, key, initiated: context.now().getTime(), headers, tags });
  const inner =
    element('Bucket', bucketName) + element('Key', printable(key)) + element('UploadId', id);
  return xmlReply('InitiateMultipartUploadResult', inner, 200, encryption(headers));
};

export const uploadPart = async (context: S3Context): Promise<S3Reply> => {
  const { bucket, incoming, profile } = context;
  const upload = uploadOf(context);
  const number = partNumber(context);
  const received = await receive(incoming, bucket, profile, context.fault);
  uploadOf(context);
  const part = profile.quirks.has('invents-etags')
    ? { ...received, etag: givenEtag(profile, received.etag, {}) }
    : received;
  bucket.addPart(upload.id, number, part);
  return { status: 200, headers: { etag: quotedEtag(part.etag) } };
};

export const uploadPartCopy = async (context: S3Context): Promise<S3Reply> => {
  const { bucket, incoming } = context;
  const upload = uploadOf(context);
  const number = partNumber(context);
  const { object, bucket: from } = copySourceOf(context);
  const range = rangeOf(incoming.headers['x-amz-copy-source-range'], object.size);
  const { start, end } = range ?? { start: 0, end: object.size - 1 };
  const file = bucket.newFile();
  const md5 = createHash('md5');
  const target = openSync(bucket.pathOf(file), 'w');
  const content = contentOf(from, object.files, start, end);
  for await (const piece of Buffer.isBuffer(content) ? [content] : content) {
    md5.update(piece);
    writeSync(target, piece);
  }
  closeSync(target);
  const part = { file, size: end - start + 1, etag: md5.digest('hex') };
  bucket.addPart(upload.id, number, part);
  const when = context.now().toISOString();
  return xmlReply(
    'CopyPartResult',
    element('LastModified', when) + element('ETag', quotedEtag(part.etag)),
  );
};

export const completeUpload = async (context: S3Context): Promise<S3Reply> => {
  const { bucket, key, profile, incoming, bucketName } = context;
  const upload = uploadOf(context);
  const wanted = partsIn(await receiveText(incoming, profile));
  if (!profile.quirks.has('ignores-complete-conditions')) checkWriteConditions(context);
  const parts = wanted.map(({ number, etag }) => {
    const part = upload.parts.get(number);
    if (!part || part.etag !== etag)
      throw new S3Error(400, 'InvalidPart', 'One or more of the specified parts was not found.');
    return part;
  });
  if (parts.slice(0, -1).some(({ size }) => size < leastPart))
    throw new S3Error(400, 'EntityTooSmall', 'Your upload is smaller than the minimum size.');
  const etag = givenEtag(profile, etagOfParts(parts.map((part) => part.etag)), upload.headers);
  bucket.endUpload(upload.id, {
    key,
    etag,
    size: parts.reduce((sum, { size }) => sum + size, 0),
    lastModified: context.now().getTime(),
    headers: upload.headers,
    tags: profile.quirks.has('forgets-tags-of-parts') ? {} : upload.tags,
    files: parts.map(({ file, size }) => ({ file, size })),
  });
  const inner =
    element('Bucket', bucketName) +
    element('Key', printable(key)) +
    element('ETag', profile.quirks.has('hides-completed-etag') ? '' : quotedEtag(etag));
  return xmlReply('CompleteMultipartUploadResult', inner, 200, encryption(upload.headers));
};

export const abortUpload = (context: S3Context): S3Reply => {
  context.bucket.endUpload(uploadOf(context).id);
  return { status: 204 };
};

export const uploadOf = ({ bucket, key, incoming }: S3Context): S3Upload => {
  const upload = bucket.uploads.get(incoming.query.get('uploadId') ?? '');
  if (upload?.key !== key)
    throw new S3Error(404, 'NoSuchUpload', 'The specified multipart upload does not exist.');
  return upload;
};

const partNumber = ({ incoming }: S3Context): number => {
  const number = Number(incoming.query.get('partNumber'));
  if (!Number.isInteger(number) || number < 1 || number > 10_000)
    throw new S3Error(400, 'InvalidArgument', 'Part number must be from 1 to 10000.');
  return number;
};

const partsIn = (xml: string): readonly { readonly number: number; readonly etag: string }[] => {
  const parts = [...xml.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => ({
    number: Number(/<PartNumber>(\d+)<\/PartNumber>/.exec(part)?.[1] ?? NaN),
    etag: bare(unescapeXml(/<ETag>(.*?)<\/ETag>/.exec(part)?.[1] ?? '')),
  }));
  if (parts.length === 0 || parts.some(({ number }) => Number.isNaN(number))) throw malformedXml();
  if (parts.some(({ number }, index) => number <= (parts[index - 1]?.number ?? 0)))
    throw new S3Error(400, 'InvalidPartOrder', 'The list of parts was not in ascending order.');
  return parts;
};

/** These replies have no encoding-type, so a key with control characters cannot come back whole. */
const printable = (key: string): string => key.replace(/\p{Cc}/gu, '?');
