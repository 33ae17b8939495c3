import { compareKeys } from './key-order.ts';
import type { S3Context } from './context.ts';
import { encoder, numberIn } from './listings.ts';
import { element, quotedEtag, xmlReply, type S3Reply } from './replies.ts';

/** ListObjectVersions: of each key the newest version first, delete markers between them. */
export const listVersions = (context: S3Context): S3Reply => {
  const { bucket, bucketName, incoming } = context;
  const { query } = incoming;
  const prefix = query.get('prefix') ?? '';
  const most = Math.min(numberIn(query.get('max-keys'), 1000), 1000);
  const [keyMarker, versionMarker] = [query.get('key-marker'), query.get('version-id-marker')];
  const encode = encoder(context, query.get('encoding-type'));
  const all = bucket
    .keysWithVersions()
    .filter((key) => key.startsWith(prefix))
    .filter((key) => {
      const order = compareKeys(key, keyMarker ?? '');
      return order > 0 || (order === 0 && versionMarker !== undefined);
    })
    .flatMap((key) => {
      const versions = bucket.versionsOf(key);
      const at =
        key === keyMarker ? versions.findIndex((one) => one.versionId === versionMarker) : -1;
      return versions
        .slice(at + 1)
        .map((version) => ({ version, isLatest: version === versions[0] }));
    });
  const page = all.slice(0, most);
  const last = page.at(-1)?.version;
  const isTruncated = all.length > page.length;
  return xmlReply(
    'ListVersionsResult',
    [
      element('Name', bucketName),
      element('Prefix', encode(prefix)),
      query.has('encoding-type') ? element('EncodingType', 'url') : '',
      element('MaxKeys', most),
      element('IsTruncated', String(isTruncated)),
      isTruncated && last ? element('NextKeyMarker', encode(last.key)) : '',
      isTruncated && last ? element('NextVersionIdMarker', last.versionId ?? 'null') : '',
      ...page.map(({ version, isLatest }) => {
        const inner =
          element('Key', encode(version.key)) +
          element('VersionId', version.versionId ?? 'null') +
          element('IsLatest', String(isLatest)) +
          element('LastModified', new Date(version.lastModified).toISOString());
        return 'files' in version
          ? `<Version>${inner}${element('ETag', quotedEtag(version.etag))}${element('Size', version.size)}<StorageClass>STANDARD</StorageClass></Version>`
          : `<DeleteMarker>${inner}</DeleteMarker>`;
      }),
    ].join(''),
  );
};
