import { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectTaggingCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { CharmError } from '../../errors.ts';
import { etagOfParts, isMd5, md5Of } from '../../ports/etags.ts';
import type { ObjectMetadata, PartUpload, PutOptions, StoredObject } from '../../world.ts';
import { quoteKey, type S3Call, type S3Client } from './client.ts';
import { S3Failure } from './failure.ts';
import {
  conditionHeaders,
  copySource,
  etagIn,
  aboutTagsOf,
  metadataHeaders,
  writeHeaders,
} from './headers.ts';
import { sendBytes, sendStream } from './put.ts';
import { createReader } from './read.ts';
import type { Written } from './written.ts';

/** The object that the parts became. `isProven`: its ETag is the one that their MD5s give. */
export interface WrittenParts extends Written {
  readonly isProven: boolean;
}

/**
 * An upload in parts that the adapter itself can also complete under a condition, and feed by
 * server-side copies.
 */
export interface S3Parts extends PartUpload {
  complete(options?: PutOptions): Promise<WrittenParts>;
  copyPart(
    part: number,
    from: Pick<StoredObject, 'key' | 'etag'> & {
      /** This one where it is not given. A customer's own key reads only this one. */
      readonly bucket?: string;
      readonly versionId?: string | undefined;
    },
    range: { readonly start: number; readonly end: number },
  ): Promise<void>;
}

export const startParts = async (
  client: S3Client,
  key: string,
  metadata: Partial<ObjectMetadata>,
): Promise<S3Parts> => {
  const headers = writeHeaders(client.options);
  const doing = `start to write ${quoteKey(key)} in parts`;
  const { bucket: Bucket } = client.options;
  const { UploadId: uploadId } = await client.control(
    {
      ...{ key, doing, ...aboutTagsOf(metadata) },
      headers: { ...headers.create, ...metadataHeaders(metadata) },
    },
    (sdk, options) => sdk.send(new CreateMultipartUploadCommand({ Bucket, Key: key }), options),
  );
  if (!uploadId)
    throw new CharmError(
      'store-refused',
      `Could not ${doing}: the reply of ${client.description} has no UploadId. Check the endpoint.`,
    );

  const etags = new Map<number, string>();
  /** Whether the ETag of every part was its MD5, as far as we had the bytes. */
  let matches = true;
  const partRequest = (part: number): S3Call => ({
    method: 'PUT',
    key,
    doing: `write part ${part} of ${quoteKey(key)}`,
    query: { partNumber: String(part), uploadId },
    headers: headers.touch,
  });

  return {
    uploadId,
    put: async (part, body, size, md5) => {
      const digest = md5 ?? (body instanceof Readable ? undefined : md5Of(body));
      const sent =
        body instanceof Readable
          ? await sendStream(client, partRequest(part), body, { size, md5: digest })
          : await sendBytes(client, partRequest(part), ofSize(body, size), digest);
      if (digest !== undefined && sent.etag !== digest) matches = false;
      etags.set(part, sent.etag);
      return sent;
    },
    copyPart: async (part, from, { start, end }) => {
      const { CopyPartResult: copied } = await client.control(
        {
          key,
          doing: partRequest(part).doing,
          slow: true,
          headers: { ...headers.touch, ...(from.bucket === undefined && headers.copySource) },
        },
        (sdk, options) =>
          sdk.send(
            new UploadPartCopyCommand({
              ...{ Bucket, Key: key, PartNumber: part, UploadId: uploadId },
              ...copySource(from.bucket ?? Bucket, from.key, from),
              CopySourceRange: `bytes=${start}-${end}`,
            }),
            options,
          ),
      );
      etags.set(part, etagIn(copied?.ETag) ?? '');
    },
    complete: async (options = {}) => {
      const written = await completeParts(client, { key, uploadId }, etags, options);
      await keepTags(client, key, metadata.tags);
      return { ...written, isProven: written.isProven && matches };
    },
    abort: () => abortParts(client, key, uploadId),
  };
};

const ofSize = (body: Uint8Array, size: number): Uint8Array => {
  if (body.length === size) return body;
  throw new CharmError(
    'store-corrupt',
    `A part of ${body.length} bytes was announced as one of ${size}. Nothing was stored.`,
  );
};

/**
 * Puts the parts together, in the order of their numbers. When a repeated request finds the upload
 * gone, and the object is there with the ETag that the parts give, the first request has succeeded.
 */
const completeParts = async (
  client: S3Client,
  { key, uploadId }: { readonly key: string; readonly uploadId: string },
  etags: ReadonlyMap<number, string>,
  options: PutOptions,
): Promise<WrittenParts> => {
  const parts = [...etags].sort(([a], [b]) => a - b);
  const md5s = parts.map(([, etag]) => etag);
  // Undefined when the server's ETags of parts are not MD5s.
  const expected = md5s.every(isMd5) ? etagOfParts(md5s) : undefined;
  let repeats = 0;
  try {
    const output = await client.control(
      {
        key,
        doing: `finish writing ${quoteKey(key)}`,
        onCondition: options.ifAbsent ? 'object-exists' : 'object-changed',
        headers: conditionHeaders(options),
        slow: true,
        onRetry: () => {
          repeats += 1;
        },
      },
      (sdk, sending) =>
        sdk.send(
          new CompleteMultipartUploadCommand({
            ...{ Bucket: client.options.bucket, Key: key, UploadId: uploadId },
            MultipartUpload: {
              Parts: parts.map(([PartNumber, ETag]) => ({ PartNumber, ETag: `"${ETag}"` })),
            },
          }),
          sending,
        ),
    );
    // RadosGW 16 leaves the ETag in this reply empty.
    const etag = etagIn(output.ETag) || (await createReader(client).head(key))?.etag || '';
    return { etag, isProven: etag === expected };
  } catch (error) {
    if (repeats === 0 || !isGone(error)) throw error;
    const found = await createReader(client).head(key);
    if (found === undefined || found.etag !== expected) throw error;
    return { etag: found.etag, isProven: true };
  }
};

/**
 * Ends an upload and frees what its parts take up. It is no error when there is no such upload any
 * more.
 */
export const abortParts = async (
  client: S3Client,
  key: string,
  uploadId: string,
): Promise<void> => {
  try {
    const { bucket: Bucket } = client.options;
    await client.control(
      { key, doing: `abort the unfinished upload of ${quoteKey(key)}`, tidies: true },
      (sdk, options) =>
        sdk.send(
          new AbortMultipartUploadCommand({ Bucket, Key: key, UploadId: uploadId }),
          options,
        ),
    );
  } catch (error) {
    if (!isGone(error)) throw error;
  }
};

const isGone = (error: unknown): boolean =>
  error instanceof CharmError &&
  error.cause instanceof S3Failure &&
  error.cause.code === 'NoSuchUpload';

/**
 * Makes sure that an object that was put together from parts, or copied, has the tags that it was
 * to have: RadosGW 16 forgets them. Costs nothing when there are none.
 */
export const keepTags = async (
  client: S3Client,
  key: string,
  tags: Readonly<Record<string, string>> = {},
): Promise<void> => {
  if (Object.keys(tags).length === 0) return;
  if (isDeepStrictEqual(await createReader(client).tags(key), { ...tags })) return;
  const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  await client.control({ key, doing: `write the tags of ${quoteKey(key)}` }, (sdk, options) =>
    sdk.send(
      new PutObjectTaggingCommand({
        Bucket: client.options.bucket,
        Key: key,
        Tagging: { TagSet },
      }),
      options,
    ),
  );
};
