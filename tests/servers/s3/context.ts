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
  now(): Date;
  findBucket(name: string): S3Bucket;
}

export const existing = ({ bucket, key }: Pick<S3Context, 'bucket' | 'key'>): S3Object => {
  const object = bucket.get(key);
  if (!object) throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.');
  return object;
};

/** 1024 bytes of UTF-8 without NUL; MinIO refuses more, because it keeps objects as files. */
export const checkKey = ({ key, profile }: Pick<S3Context, 'key' | 'profile'>): void => {
  if (Buffer.byteLength(key) > 1024)
    throw new S3Error(400, 'KeyTooLongError', 'Your key is too long');
  const segments = key.replace(/\/$/, '').split('/');
  if (!profile.anyKey && segments.some((one) => one === '' || one === '.' || one === '..'))
    throw new S3Error(
      400,
      'XMinioInvalidObjectName',
      'Object name contains unsupported characters.',
    );
};

/** If-None-Match and If-Match of something that is to be written. */
export const checkWriteConditions = (
  { bucket, key, incoming: { headers } }: S3Context,
  heeded: S3Profile['putConditions'],
): void => {
  if (heeded === 'ignored') return;
  const found = bucket.get(key);
  const match = headers['if-match'];
  if (headers['if-none-match'] !== undefined) {
    if (headers['if-none-match'] !== '*') throw new S3Error(501, 'NotImplemented', 'Only *.');
    if (found) throw preconditionFailed();
  }
  if (match === undefined) return;
  if (!found) throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.');
  if ((heeded === 'unquoted-only' ? match : bare(match)) !== found.etag) throw preconditionFailed();
};

/** The object that x-amz-copy-source names, in whichever bucket. */
export const copySourceOf = (
  context: S3Context,
): { readonly object: S3Object; readonly bucket: S3Bucket } => {
  const { headers } = context.incoming;
  const source = headers['x-amz-copy-source'] ?? '';
  const [, name = '', key = ''] = /^\/?([^/]+)\/(.*)$/s.exec(decodeURIComponent(source)) ?? [];
  const bucket = context.findBucket(name);
  const object = existing({ bucket, key });
  const match = headers['x-amz-copy-source-if-match'];
  if (context.profile.copyConditions && match !== undefined && bare(match) !== object.etag)
    throw preconditionFailed();
  return { object, bucket };
};
