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

const chunksOf = (body: Readable): AsyncIterable<Uint8Array> => body;
