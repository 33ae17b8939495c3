import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { CharmError } from '../../errors.ts';
import type { ObjectStore } from '../../world.ts';
import { bytesOf } from './body.ts';
import { quoteKey, type S3Client } from './client.ts';
import { startParts, type S3Parts, type WrittenParts } from './parts.ts';
import { putObject } from './put.ts';
import { createReader } from './read.ts';
import { readBack } from './written.ts';

/**
 * Writes a stream of unknown length: with one PUT when it fits into the first part, else in parts,
 * of which one is on its way while the next one is filled. So it holds two parts in memory, at
 * first 8 MiB each.
 */
export const createUploader =
  (client: S3Client): ObjectStore['upload'] =>
  async (key, body, options = {}) => {
    const sha256 = createHash('sha256');
    let size = 0;
    const parts = cutIntoParts(body, client.sizes.part, (bytes) => {
      sha256.update(bytes);
      size += bytes.length;
    });
    const stop = (): void => {
      body.destroy(reasonOf(options.signal));
    };
    options.signal?.addEventListener('abort', stop, { once: true });
    try {
      const first = (await parts.next()).value ?? Buffer.alloc(0);
      const second = await parts.next();
      const written = second.done
        ? await putObject(client, key, first, options)
        : await inParts(client, key, startingWith([first, second.value], parts), options);
      const digest = sha256.digest('hex');
      const isProven = 'isProven' in written ? written.isProven : true;
      const { etag } = isProven
        ? written
        : await readBack(client, key, `write ${quoteKey(key)}`, digest);
      return { etag, size, sha256: digest };
    } finally {
      options.signal?.removeEventListener('abort', stop);
      body.destroy();
    }
  };

const reasonOf = (signal: AbortSignal | undefined): Error =>
  signal?.reason instanceof Error ? signal.reason : new Error('aborted');

async function* startingWith<T>(first: readonly T[], rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield* first;
  yield* rest;
}

const inParts = async (
  client: S3Client,
  key: string,
  parts: AsyncIterable<Uint8Array>,
  options: NonNullable<Parameters<ObjectStore['upload']>[2]>,
): Promise<WrittenParts> => {
  const upload = await startParts(client, key, options.metadata ?? {});
  try {
    await sendParts(upload, parts);
    options.signal?.throwIfAborted();
    await checkCondition(client, key, options);
    return await upload.complete(options);
  } catch (error) {
    // The caller needs the error that made the upload fail. Parts that stay are found by
    // unfinishedUploads.
    await upload.abort().catch(() => undefined);
    throw error;
  }
};

const sendParts = async (upload: S3Parts, parts: AsyncIterable<Uint8Array>): Promise<void> => {
  let number = 0;
  let underWay: Promise<unknown> = Promise.resolve();
  const send = async (bytes: Uint8Array): Promise<void> => {
    await underWay;
    number += 1;
    underWay = upload.put(number, bytes, bytes.length);
    // It is awaited before the next part is sent. Until then a rejection must not count as
    // unhandled.
    underWay.catch(() => undefined);
  };
  try {
    for await (const bytes of parts) await send(bytes);
  } finally {
    await underWay;
  }
};

/** RadosGW before 20 ignores conditions when it completes an upload, so we check them before. */
const checkCondition = async (
  client: S3Client,
  key: string,
  { ifAbsent, ifMatch }: { readonly ifAbsent?: boolean; readonly ifMatch?: string },
): Promise<void> => {
  if (!ifAbsent && ifMatch === undefined) return;
  const found = await createReader(client).head(key);
  if (ifAbsent && found !== undefined)
    throw new CharmError('object-exists', `There is a ${quoteKey(key)} in ${client.description}.`);
  if (ifMatch !== undefined && found?.etag !== ifMatch)
    throw new CharmError(
      'object-changed',
      `${quoteKey(key)} in ${client.description} has been replaced meanwhile.`,
    );
};

/**
 * Cuts a stream into parts. S3 allows 10,000 of them; with a size that doubles after each thousand,
 * up to eight times the first, they hold 492 GiB when the first has 8 MiB.
 */
export async function* cutIntoParts(
  body: Readable,
  firstSize: number,
  onBytes: (bytes: Uint8Array) => void,
): AsyncGenerator<Uint8Array, undefined> {
  let part = Buffer.allocUnsafe(firstSize);
  let filled = 0;
  let count = 0;
  for await (const piece of body) {
    let bytes = bytesOf(piece);
    onBytes(bytes);
    while (bytes.length > 0) {
      if (filled === part.length) {
        yield part;
        count += 1;
        part = Buffer.allocUnsafe(firstSize * 2 ** Math.min(Math.floor(count / 1000), 3));
        filled = 0;
      }
      const taken = bytes.subarray(0, part.length - filled);
      part.set(taken, filled);
      filled += taken.length;
      bytes = bytes.subarray(taken.length);
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
  return undefined;
}
