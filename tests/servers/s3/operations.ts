import { restoreObject } from './archive.ts';
import { receiveText } from './content.ts';
import type { S3Context } from './context.ts';
import type { S3Incoming } from './incoming.ts';
import { listObjects } from './listings.ts';
import { listVersions } from './version-listings.ts';
import { listParts, listUploads } from './multipart-listings.ts';
import {
  abortUpload,
  completeUpload,
  createUpload,
  uploadPart,
  uploadPartCopy,
} from './multipart.ts';
import { copyObject, deleteObject, getObject, getTags, putObject, putTags } from './objects.ts';
import { S3Error, element, malformedXml, unescapeXml, xmlReply, type S3Reply } from './replies.ts';

export interface S3Operation {
  /** As AWS names it. */
  readonly name: string;
  readonly writes: boolean;
  /** The query parameters that it may have. */
  readonly query: readonly string[];
  run(context: S3Context): S3Reply | Promise<S3Reply>;
}

/**
 * Which operation a request is: by its method, by what it addresses and by the query and headers
 * that tell.
 */
export const operationOf = ({ method, bucket, key, query, headers }: S3Incoming): S3Operation => {
  if (bucket === '') return byName('ListBuckets', method === 'GET');
  const name =
    key === ''
      ? bucketOperation(method, query)
      : objectOperation(method, query, headers['x-amz-copy-source'] !== undefined);
  return byName(name, true);
};

const bucketOperation = (method: string, query: S3Incoming['query']): string => {
  if (method === 'GET' && query.has('location')) return 'GetBucketLocation';
  if (method === 'GET' && query.has('versioning')) return 'GetBucketVersioning';
  if (method === 'GET' && query.has('object-lock')) return 'GetObjectLockConfiguration';
  if (method === 'GET' && query.has('versions')) return 'ListObjectVersions';
  if (method === 'GET' && query.has('uploads')) return 'ListMultipartUploads';
  if (method === 'GET') return query.has('list-type') ? 'ListObjectsV2' : 'ListObjects';
  if (method === 'POST' && query.has('delete')) return 'DeleteObjects';
  return { HEAD: 'HeadBucket', PUT: 'CreateBucket', DELETE: 'DeleteBucket' }[method] ?? '';
};

const objectOperation = (method: string, query: S3Incoming['query'], copy: boolean): string => {
  if (query.has('uploads') && method === 'POST') return 'CreateMultipartUpload';
  if (query.has('restore') && method === 'POST') return 'RestoreObject';
  if (query.has('tagging') && method === 'GET') return 'GetObjectTagging';
  if (query.has('tagging') && method === 'PUT') return 'PutObjectTagging';
  if (query.has('uploadId')) {
    if (method === 'PUT') return copy ? 'UploadPartCopy' : 'UploadPart';
    const operations: Readonly<Record<string, string>> = {
      POST: 'CompleteMultipartUpload',
      DELETE: 'AbortMultipartUpload',
      GET: 'ListParts',
    };
    return operations[method] ?? '';
  }
  if (method === 'PUT') return copy ? 'CopyObject' : 'PutObject';
  return { GET: 'GetObject', HEAD: 'HeadObject', DELETE: 'DeleteObject' }[method] ?? '';
};

const byName = (name: string, known: boolean): S3Operation => {
  const operation = operations.find((one) => one.name === name);
  if (!operation || !known)
    throw new S3Error(501, 'NotImplemented', 'The test server does not have this operation.');
  return operation;
};

const deleteObjects = async (context: S3Context): Promise<S3Reply> => {
  const { incoming, bucket, profile } = context;
  const { headers } = incoming;
  const checked =
    headers['content-md5'] !== undefined ||
    (!profile.quirks.has('ignores-checksums') &&
      Object.keys(headers).some((name) => name.startsWith('x-amz-checksum-')));
  if (!checked)
    throw new S3Error(
      400,
      'MissingContentMD5',
      'Missing required header for this request: Content-Md5.',
    );
  const xml = await receiveText(incoming, profile);
  const keys = [...xml.matchAll(/<Key>(.*?)<\/Key>/gs)].map(([, key = '']) => unescapeXml(key));
  if (keys.length === 0 || keys.length > 1000 || !xml.trimEnd().endsWith('</Delete>'))
    throw malformedXml();
  const refused = keys.filter((key) => context.deletes?.test(key) === false);
  for (const key of keys) if (!refused.includes(key)) bucket.remove(key, context.now());
  const errors = refused.map(
    (key) => `<Error>${element('Key', key)}${element('Code', 'AccessDenied')}</Error>`,
  );
  return xmlReply('DeleteResult', errors.join(''));
};

const headBucket = (): S3Reply => ({ status: 200 });

const versioning = ({ profile: { quirks } }: S3Context): S3Reply =>
  xmlReply(
    'VersioningConfiguration',
    quirks.has('keeps-versions') ? element('Status', 'Enabled') : '',
  );

const objectLock = ({ profile: { quirks } }: S3Context): S3Reply => {
  if (!quirks.has('demands-digests'))
    throw new S3Error(
      404,
      'ObjectLockConfigurationNotFoundError',
      'Object Lock configuration does not exist for this bucket',
    );
  const retention = `<Rule><DefaultRetention>${element('Mode', 'GOVERNANCE')}${element('Days', 1)}</DefaultRetention></Rule>`;
  return xmlReply('ObjectLockConfiguration', element('ObjectLockEnabled', 'Enabled') + retention);
};

const listing = ['prefix', 'delimiter', 'max-keys', 'encoding-type'];

const read = (name: string, query: readonly string[], run: S3Operation['run']): S3Operation => ({
  name,
  writes: false,
  query,
  run,
});

const write = (name: string, query: readonly string[], run: S3Operation['run']): S3Operation => ({
  name,
  writes: true,
  query,
  run,
});

const operations: readonly S3Operation[] = [
  read('ListBuckets', [], headBucket),
  read('HeadBucket', [], headBucket),
  read('GetBucketLocation', ['location'], () => xmlReply('LocationConstraint', '')),
  read('GetBucketVersioning', ['versioning'], versioning),
  read('GetObjectLockConfiguration', ['object-lock'], objectLock),
  write('CreateBucket', [], headBucket),
  write('DeleteBucket', [], () => ({ status: 204 })),
  read(
    'ListObjectsV2',
    [...listing, 'list-type', 'start-after', 'continuation-token', 'fetch-owner'],
    listObjects,
  ),
  read(
    'ListObjectVersions',
    [...listing, 'versions', 'key-marker', 'version-id-marker'],
    listVersions,
  ),
  read('ListObjects', [...listing, 'marker'], listObjects),
  read(
    'ListMultipartUploads',
    [...listing, 'uploads', 'max-uploads', 'key-marker', 'upload-id-marker'],
    listUploads,
  ),
  read('GetObject', ['partNumber', 'versionId'], getObject),
  read('HeadObject', ['partNumber', 'versionId'], getObject),
  read('GetObjectTagging', ['tagging', 'versionId'], getTags),
  read('ListParts', ['uploadId', 'max-parts', 'part-number-marker'], listParts),
  write('PutObject', [], putObject),
  write('PutObjectTagging', ['tagging'], putTags),
  write('RestoreObject', ['restore'], restoreObject),
  write('CopyObject', [], copyObject),
  write('DeleteObject', ['versionId'], deleteObject),
  write('DeleteObjects', ['delete'], deleteObjects),
  write('CreateMultipartUpload', ['uploads'], createUpload),
  write('UploadPart', ['uploadId', 'partNumber'], uploadPart),
  write('UploadPartCopy', ['uploadId', 'partNumber'], uploadPartCopy),
  write('CompleteMultipartUpload', ['uploadId'], completeUpload),
  write('AbortMultipartUpload', ['uploadId'], abortUpload),
];
