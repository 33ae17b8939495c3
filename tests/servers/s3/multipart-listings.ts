import { compareKeys } from './key-order.ts';
import type { S3Context } from './context.ts';
import { encoder, numberIn } from './listings.ts';
import { uploadOf } from './multipart.ts';
import { element, quotedEtag, xmlReply, type S3Reply } from './replies.ts';

export const listUploads = (context: S3Context): S3Reply => {
  const { query } = context.incoming;
  const { quirks } = context.profile;
  const saysEncoded = !quirks.has('encodes-uploads-silently');
  const prefix = query.get('prefix') ?? '';
  const most = Math.min(numberIn(query.get('max-uploads'), 1000), 1000);
  const encode = encoder(context, query.get('encoding-type'));
  const byKeyOnly =
    quirks.has('finds-uploads-by-key-only') && !(prefix === '' && quirks.has('lists-all-uploads'));
  const fits = (key: string): boolean => (byKeyOnly ? key === prefix : key.startsWith(prefix));
  const marker = query.get('key-marker') ?? '';
  const idMarker = query.get('upload-id-marker') ?? '';
  const found = [...context.bucket.uploads.values()]
    .filter(({ key }) => fits(key))
    .sort((a, b) => compareKeys(a.key, b.key) || compareKeys(a.id, b.id))
    .filter(({ key, id }) => {
      const order = compareKeys(key, marker);
      return order > 0 || (order === 0 && idMarker !== '' && compareKeys(id, idMarker) > 0);
    });
  const page = found.slice(0, most);
  const last = page.at(-1);
  const truncated = found.length > page.length;
  return xmlReply(
    'ListMultipartUploadsResult',
    [
      element('Bucket', context.bucketName),
      saysEncoded && query.has('encoding-type') ? element('EncodingType', 'url') : '',
      element('IsTruncated', String(truncated)),
      truncated && last ? element('NextKeyMarker', saysEncoded ? encode(last.key) : last.key) : '',
      truncated && last ? element('NextUploadIdMarker', last.id) : '',
      ...page.map(
        ({ key, id, initiated }) =>
          `<Upload>${element('Key', encode(key))}${element('UploadId', id)}${element('Initiated', new Date(initiated).toISOString())}</Upload>`,
      ),
    ].join(''),
  );
};

export const listParts = (context: S3Context): S3Reply => {
  const upload = uploadOf(context);
  const { query } = context.incoming;
  const marker = numberIn(query.get('part-number-marker'), 0);
  const most = Math.min(numberIn(query.get('max-parts'), 1000), 1000);
  const found = [...upload.parts].sort(([a], [b]) => a - b).filter(([number]) => number > marker);
  const page = found.slice(0, most);
  const truncated = found.length > page.length;
  const now = context.now().toISOString();
  return xmlReply(
    'ListPartsResult',
    [
      element('UploadId', upload.id),
      element('IsTruncated', String(truncated)),
      truncated ? element('NextPartNumberMarker', page.at(-1)?.[0] ?? 0) : '',
      ...page.map(
        ([number, { etag, size }]) =>
          `<Part>${element('PartNumber', number)}${element('LastModified', now)}${element('ETag', quotedEtag(etag))}${element('Size', size)}</Part>`,
      ),
    ].join(''),
  );
};
