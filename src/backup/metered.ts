import type { Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { CopyContext, Moved } from './buckets-context.ts';

/** Passes a body on as fast as the bandwidth allows, counts it, and feeds it to the hashes. Destroys the body when it is destroyed. */
export const metered = (
  { bandwidth, signal }: Pick<CopyContext, 'bandwidth' | 'signal'>,
  body: Readable,
  moved: Moved,
  hashes: readonly Hash[] = [],
): Readable => {
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunksOf(body)) {
      for (const hash of hashes) hash.update(chunk);
      const grain = bandwidth.grain();
      if (chunk.length <= grain) {
        if (grain !== Infinity) await bandwidth.take(chunk.length, signal);
        moved(chunk.length);
        yield chunk;
        continue;
      }
      for (let at = 0; at < chunk.length; at += grain) {
        const piece = chunk.subarray(at, at + grain);
        await bandwidth.take(piece.length, signal);
        moved(piece.length);
        yield piece;
      }
    }
  };
  return Readable.from(pieces(), { objectMode: false });
};

/** Everything in a body that is small. Events cost a fraction of what an iterator over the stream does. */
export const collected = (body: Readable): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    // What happened before somebody listened is not told again.
    if (body.destroyed) reject(body.errored ?? new Error('the connection was closed'));
    body.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
    });
    body.once('end', () => {
      const [only] = chunks;
      resolve(chunks.length === 1 && only ? only : Buffer.concat(chunks));
    });
    body.once('error', reject);
    body.once('close', () => {
      reject(new Error('the connection was closed'));
    });
  });

const chunksOf = (body: Readable): AsyncIterable<Uint8Array> => body;
