import { Readable } from 'node:stream';
import { CharmError } from '../errors.ts';

/**
 * A stream as the body of a request that announced `size` bytes. The last piece is held back until the stream has ended, so
 * that a server never has a complete request before we know that it is right: neither a stream that is too long nor one
 * that breaks at its very end leaves an object. `problem` tells afterwards whether it was the stream that failed.
 */
export const checkedBody = (
  source: Readable,
  size: number,
  doing: string,
): { readonly body: Readable; readonly problem: () => { readonly error: unknown } | undefined } => {
  let problem: { readonly error: unknown } | undefined;
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* heldBack(source, size, doing);
    } catch (error) {
      problem ??= { error };
      throw error;
    }
  };
  return { body: Readable.from(pieces(), { objectMode: false }), problem: () => problem };
};

async function* heldBack(
  source: Readable,
  size: number,
  doing: string,
): AsyncGenerator<Uint8Array> {
  let length = 0;
  let held: Uint8Array | undefined;
  for await (const piece of source) {
    const bytes = bytesOf(piece);
    if (bytes.length === 0) continue;
    length += bytes.length;
    if (length > size) throw wrongLength(doing, 'more than', size);
    if (held) yield held;
    held = bytes;
  }
  if (length !== size) throw wrongLength(doing, `${length} bytes and not`, size);
  if (held) yield held;
}

export const bytesOf = (piece: unknown): Uint8Array => {
  if (piece instanceof Uint8Array) return piece;
  if (typeof piece === 'string') return Buffer.from(piece);
  throw new TypeError('a body must be a stream of bytes');
};

const wrongLength = (doing: string, what: string, size: number): CharmError =>
  new CharmError(
    'store-corrupt',
    `Could not ${doing}: the content has ${what} the ${size} bytes that were announced. Nothing was stored.`,
  );

/**
 * The body of a reply, whose errors are put into the port's words. undici itself makes it fail when the connection ends before
 * all of Content-Length came.
 */
export class ContentBody extends Readable {
  readonly #source: Readable;

  constructor(source: Readable, explain: (error: unknown) => Error) {
    super();
    this.#source = source;
    source.on('data', (piece: Uint8Array) => {
      if (!this.push(piece)) source.pause();
    });
    source.once('end', () => this.push(null));
    source.once('error', (error) => this.destroy(explain(error)));
    source.pause();
  }

  override _read(): void {
    this.#source.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#source.destroy();
    done(error);
  }
}
