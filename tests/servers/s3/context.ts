import { posix } from 'node:path';
import { checkReadable } from './archive.ts';
import type { S3Bucket, S3Object } from './bucket.ts';
import type { S3FaultAction } from './faults.ts';
import type { S3Incoming } from './incoming.ts';
import { bare, preconditionFailed } from './object-headers.ts';
import type { S3Profile } from './profiles.ts';
import { S3Error } from './replies.ts';

/** What an operation on a bucket or an object has to work with. */
export interface S3Context {
  readonly operation: string;
  readonly incoming: S3Incoming;
  readonly bucketName: string;
  readonly bucket: S3Bucket;
  readonly key: string;
  readonly profile: S3Profile;
  readonly fault: S3FaultAction | undefined;
  /** The keys that the user may delete; all unless given. */
  readonly deletes?: RegExp;
  now(): Date;
  findBucket(name: string): S3Bucket;
}

export const existing = ({ bucket, key }: Pick<S3Context, 'bucket' | 'key'>): S3Object => {
  const object = bucket.get(key);
  if (!object) throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.');
  return object;
};

/** The version that a request names, or the object as it is now. */
export const existingVersion = (
  { bucket, key }: Pick<S3Context, 'bucket' | 'key'>,
  versionId: string | undefined,
): S3Object => {
  if (versionId === undefined) return existing({ bucket, key });
  const found = bucket.versionsOf(key).find((version) => version.versionId === versionId);
  if (found && 'files' in found) return found;
  throw found
    ? new S3Error(405, 'MethodNotAllowed', 'The specified method is not allowed.')
    : new S3Error(404, 'NoSuchVersion', 'The specified version does not exist.');
};

/** As a bucket with a policy does: whether the object is there makes no difference. */
export const checkMayDelete = ({ deletes }: Pick<S3Context, 'deletes'>, key: string): void => {
  if (deletes && !deletes.test(key)) throw new S3Error(403, 'AccessDenied', 'Access Denied.');
};

/** 1024 bytes of UTF-8 without NUL; MinIO refuses more, because it keeps objects as files. */
export const checkKey = ({ key, bucket, profile: { quirks }, incoming }: S3Context): void => {
  const length = Number(incoming.headers['content-length'] ?? 0);
  if (Buffer.byteLength(key) > 1024)
    throw new S3Error(400, 'KeyTooLongError', 'Your key is too long');
  const segments = key.replace(/\/$/, '').split('/');
  const isOdd = (segment: string): boolean => segment === '' || /^\s*\.\.?\s*$/.test(segment);
  const isLong = (segment: string): boolean => Buffer.byteLength(segment) > 255;
  if (
    (quirks.has('refuses-odd-segments') && segments.some(isOdd)) ||
    (quirks.has('refuses-long-segments') && segments.some(isLong))
  )
    throw new S3Error(
      400,
      'XMinioInvalidObjectName',
      'Object name contains unsupported characters.',
    );
  if (quirks.has('refuses-full-folders') && key.endsWith('/') && length > 0)
    throw new S3Error(
      400,
      'DirectoryObjectContainsData',
      'Directory object contains data payload.',
    );
  if (!quirks.has('refuses-objects-beside-folders')) return;
  const below = bucket.from(`${key}/`).next();
  if (!below.done && below.value.key.startsWith(`${key}/`))
    throw new S3Error(
      409,
      'XMinioObjectExistsAsDirectory',
      'Object name already exists as a directory.',
    );
  if (foldersAbove(key).some((folder) => bucket.get(folder)))
    throw new S3Error(403, 'AccessDenied', 'Access Denied.');
};

/** A key as a path of a file system. A slash at its end stays. */
export const tidied = (key: string): string => {
  const path = posix.normalize(key).replace(/^\//, '');
  if (key !== '' && (/^\.\.?(\/|$)/.test(path) || path === ''))
    throw new S3Error(400, '400', 'Bad Request');
  return key === '' ? '' : path;
};

/** The keys that would be folders above this one on a disk: `a` and `a/b` for `a/b/c`. */
export const foldersAbove = (key: string): readonly string[] =>
  key
    .split('/')
    .flatMap((_, index, segments) => (index === 0 ? [] : [segments.slice(0, index).join('/')]));

/** If-None-Match and If-Match of something that is to be written. */
export const checkWriteConditions = ({
  bucket,
  key,
  incoming: { headers },
  profile: { quirks },
}: S3Context): void => {
  if (quirks.has('ignores-put-conditions')) return;
  const found = bucket.get(key);
  if (quirks.has('loses-conditions-in-versions')) {
    if (headers['if-match'] !== undefined) throw preconditionFailed();
    return;
  }
  const match = headers['if-match'];
  if (headers['if-none-match'] !== undefined) {
    if (headers['if-none-match'] !== '*') throw new S3Error(501, 'NotImplemented', 'Only *.');
    if (found) throw preconditionFailed();
  }
  if (match === undefined) return;
  if (!found) throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.');
  if ((quirks.has('compares-bare-etags') ? match : bare(match)) !== found.etag)
    throw preconditionFailed();
};

/** The object that x-amz-copy-source names, in whichever bucket. */
export const copySourceOf = (
  context: S3Context,
): { readonly object: S3Object; readonly bucket: S3Bucket } => {
  const { headers } = context.incoming;
  const [source = '', versionId] = (headers['x-amz-copy-source'] ?? '').split('?versionId=');
  const [, name = '', key = ''] = /^\/?([^/]+)\/(.*)$/s.exec(decodeURIComponent(source)) ?? [];
  const bucket = context.findBucket(name);
  const object = existingVersion({ bucket, key }, versionId);
  const match = headers['x-amz-copy-source-if-match'];
  if (
    !context.profile.quirks.has('ignores-copy-conditions') &&
    match !== undefined &&
    bare(match) !== object.etag
  )
    throw preconditionFailed();
  checkReadable(context, object);
  return { object, bucket };
};
