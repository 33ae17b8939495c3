import type { S3Options } from './options.ts';

/** The headers that the options ask for, by what a request does. */
export interface S3WriteHeaders {
  /** PUT, CopyObject, CreateMultipartUpload: whatever makes an object. */
  readonly create: Readonly<Record<string, string>>;
  /** A customer's own key must come with every request that touches bytes: parts, GET and HEAD too. */
  readonly touch: Readonly<Record<string, string>>;
  /** The same key once more, for the object that is copied. */
  readonly copySource: Readonly<Record<string, string>>;
}

const customerKey = 'x-amz-server-side-encryption-customer-';

export const writeHeaders = ({
  storageClass,
  serverSideEncryption,
  extraHeaders = {},
}: S3Options): S3WriteHeaders => {
  const extra = Object.entries(extraHeaders).map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  );
  const touch = extra.filter(([name]) => name.startsWith(customerKey));
  return {
    create: {
      ...Object.fromEntries(extra),
      ...(storageClass && { 'x-amz-storage-class': storageClass }),
      ...(serverSideEncryption && {
        'x-amz-server-side-encryption': serverSideEncryption.algorithm,
        ...(serverSideEncryption.keyId && {
          'x-amz-server-side-encryption-aws-kms-key-id': serverSideEncryption.keyId,
        }),
      }),
    },
    touch: Object.fromEntries(touch),
    copySource: Object.fromEntries(
      touch.map(([name, value]) => [name.replace('x-amz-', 'x-amz-copy-source-'), value]),
    ),
  };
};

/** Whether an ETag of this reply is the MD5 of the content: with KMS or a customer's key it is not. */
export const etagIsMd5 = (headers: Readonly<Record<string, string>>): boolean =>
  !headers['x-amz-server-side-encryption']?.startsWith('aws:kms') &&
  headers[`${customerKey}algorithm`] === undefined;
