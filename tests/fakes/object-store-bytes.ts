import { Readable } from 'node:stream';
import { CharmError } from '../../src/errors.ts';

/** All bytes of a stream; fails as the stream fails. */
export const allOf = async (body: Readable): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(bytesOf(chunk));
  return Buffer.concat(chunks);
};

/** The bytes of a body of a known size; rejects when it has another one. */
export const exactly = async (
  body: Uint8Array | string | Readable,
  size: number,
  doing: string,
): Promise<Buffer> => {
  const bytes = body instanceof Readable ? await allOf(body) : Buffer.from(body);
  if (bytes.length !== size)
    throw new CharmError(
      'store-corrupt',
      `Could not finish ${doing}: its content has ${bytes.length} bytes and not ${size}. Nothing was stored.`,
    );
  return bytes;
};

/** Pieces as a socket would give them; with `broken`, half of them and then the error. */
export function* pieces(bytes: Buffer, broken?: Error): Generator<Buffer> {
  const end = broken ? bytes.length >> 1 : bytes.length;
  for (let at = 0; at < end; at += 65_536) yield bytes.subarray(at, Math.min(at + 65_536, end));
  if (broken) throw broken;
}

const bytesOf = (chunk: unknown): Uint8Array => {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === 'string') return Buffer.from(chunk);
  throw new TypeError('a body must consist of bytes');
};
