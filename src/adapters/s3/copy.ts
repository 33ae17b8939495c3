import { CopyObjectCommand } from '@aws-sdk/client-s3';
import { CharmError, hasCode } from '../../errors.ts';
import type { ObjectStore } from '../../world.ts';
import { quoteKey, type S3Client } from './client.ts';
import { deleteKeys } from './delete.ts';
import { copySource, etagIn, writeHeaders } from './headers.ts';
import { type S3Parts, startParts } from './parts.ts';
import { type ChooseVersion, createReader } from './read.ts';

/**
 * Copies an object inside the bucket, on the server. The source is looked at first: for its size,
 * because one request copies 5 GiB at most, and for its ETag, because RadosGW 16 does not heed
 * `x-amz-copy-source-if-match`.
 */
export const createCopier =
  (client: S3Client, choose?: ChooseVersion): ObjectStore['copy'] =>
  async (from, to, etag) => {
    const reader = createReader(client, choose);
    const found = await reader.head(from);
    if (found === undefined)
      throw new CharmError(
        'object-missing',
        `There is no ${quoteKey(from)} to copy in ${client.description}.`,
      );
    if (found.etag !== etag) throw changed(client, from);
    const source = { ...found, versionId: await choose?.(from) };
    if (found.size > client.sizes.singleCopy) await copyInParts(client, reader, source, to);
    else await copyAtOnce(client, reader, source, to);
  };

type Reader = ReturnType<typeof createReader>;
type CopySource = NonNullable<Awaited<ReturnType<ObjectStore['head']>>> & {
  readonly versionId: string | undefined;
};

const copyAtOnce = async (
  client: S3Client,
  reader: Reader,
  source: CopySource,
  to: string,
): Promise<void> => {
  const { key: from, etag } = source;
  const headers = writeHeaders(client.options);
  const { bucket } = client.options;
  const output = await client.control(
    {
      key: to,
      doing: `copy ${quoteKey(from)} to ${quoteKey(to)}`,
      headers: { ...headers.create, ...headers.copySource },
      slow: true,
    },
    (sdk, options) =>
      sdk.send(
        new CopyObjectCommand({ Bucket: bucket, Key: to, ...copySource(bucket, from, source) }),
        options,
      ),
  );
  if (etagIn(output.CopyObjectResult?.ETag) === etag) return;
  // A copy may have another ETag when the object was in parts, or when a key service encrypts.
  // MinIO names the encryption only in the reply to a HEAD.
  if ((await reader.head(from))?.etag === etag) return;
  await deleteKeys(client, [to]);
  throw changed(client, from);
};

const copyInParts = async (
  client: S3Client,
  reader: Reader,
  source: CopySource,
  to: string,
): Promise<void> => {
  const tags = await tagsOf(reader, source.key);
  const parts = await startParts(client, to, { ...source.metadata, tags });
  const partSize = client.sizes.copyPart;
  await fillParts(parts, source, { size: source.size, partSize });
};

/** Copies all parts, some at a time, and completes the upload; aborts it when one fails. */
export const fillParts = async (
  parts: S3Parts,
  from: Parameters<S3Parts['copyPart']>[1],
  {
    size,
    partSize,
    mayWrite,
  }: {
    readonly size: number;
    readonly partSize: number;
    /** Asked before the object is there. */
    readonly mayWrite?: (() => Promise<void>) | undefined;
  },
): Promise<{ readonly etag: string }> => {
  const waiting = Array.from({ length: Math.ceil(size / partSize) }, (_, index) => index);
  const copySome = async (): Promise<void> => {
    for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
      const start = index * partSize;
      const end = Math.min(start + partSize, size) - 1;
      await parts.copyPart(index + 1, from, { start, end });
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: partsAtATime }, copySome));
  try {
    for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
    await mayWrite?.();
    return await parts.complete();
  } catch (error) {
    await parts.abort().catch(() => undefined);
    throw error;
  }
};

/** A server without tags has none to copy. */
const tagsOf = async (
  reader: Reader,
  key: string,
): Promise<Awaited<ReturnType<ObjectStore['tags']>>> => {
  try {
    return await reader.tags(key);
  } catch (error) {
    if (hasCode(error, 'store-refuses-tags')) return {};
    throw error;
  }
};

const partsAtATime = 4;

const changed = (client: S3Client, key: string): CharmError =>
  new CharmError(
    'object-changed',
    `${quoteKey(key)} in ${client.description} was replaced while it was to be copied.`,
  );
