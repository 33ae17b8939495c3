import { Readable } from 'node:stream';
import { CharmError } from '../../errors.ts';
import type { ObjectMetadata, PartUpload, PutOptions } from '../../world.ts';
import { quoteKey, type S3Call, type S3Client } from './client.ts';
import { abortParts, completeParts } from './complete.ts';
import { copySource, metadataHeaders, etagIn } from './metadata.ts';
import { sendBytes, sendStream, type Written } from './put.ts';
import { textIn, xmlIn } from './read.ts';
import { keepTags } from './tags.ts';
import { writeHeaders } from './write-headers.ts';
import { textOf } from './xml.ts';

/** An upload in parts that the adapter itself can also complete under a condition, and feed by server-side copies. */
export interface S3Parts extends PartUpload {
  complete(options?: PutOptions): Promise<Written>;
  copyPart(part: number, from: string, etag: string, start: number, end: number): Promise<void>;
}

export const startParts = async (
  client: S3Client,
  key: string,
  metadata: Partial<ObjectMetadata>,
): Promise<S3Parts> => {
  const headers = writeHeaders(client.options);
  const start = `start to write ${quoteKey(key)} in parts`;
  const begun = await client.call(
    {
      method: 'POST',
      key,
      doing: start,
      query: { uploads: '' },
      headers: { ...headers.create, ...metadataHeaders(metadata) },
    },
    textIn,
  );
  const uploadId = textOf(begun, 'UploadId');
  if (!uploadId)
    throw new CharmError(
      'store-refused',
      `Could not ${start}: the reply of ${client.description} has no UploadId. Check the endpoint.`,
    );

  const etags = new Map<number, string>();
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
      const sent =
        body instanceof Readable
          ? await sendStream(client, partRequest(part), body, size, md5)
          : await sendBytes(client, partRequest(part), ofSize(body, size), md5);
      etags.set(part, sent.etag);
      return sent;
    },
    copyPart: async (part, from, etag, first, last) => {
      const copied = await client.call(
        {
          ...partRequest(part),
          slow: true,
          headers: {
            ...headers.touch,
            ...headers.copySource,
            ...copySource(client.options.bucket, from, etag),
            'x-amz-copy-source-range': `bytes=${first}-${last}`,
          },
        },
        xmlIn,
      );
      etags.set(part, etagIn(textOf(copied.xml, 'ETag')) ?? '');
    },
    complete: async (options = {}) => {
      const written = await completeParts(client, key, uploadId, etags, options);
      await keepTags(client, key, metadata.tags);
      return written;
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
