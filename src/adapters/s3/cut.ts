import type { Readable } from 'node:stream';
import { bytesOf } from './body.ts';

/**
 * Cuts a stream into parts. S3 allows 10,000 of them; with a size that doubles after each thousand, up to eight times the
 * first, they hold 492 GiB when the first has 8 MiB.
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
