import type { Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { CopyContext, Moved } from './copy-context.ts';

/**
 * Passes a body on as fast as the bandwidth allows, counts it, and feeds it to the hashes. Destroys
 * the body when it is destroyed.
 */
export const metered = (
  context: Pick<CopyContext, 'bandwidth' | 'signal'>,
  body: Readable,
  moved: Moved,
  hashes: readonly Hash[] = [],
): Readable =>
  context.bandwidth.limited
    ? new MeteredBody(context, body, moved, hashes)
    : watched(body, moved, hashes);

/** Without a limit nothing has to wait, so no further stream is needed. */
const watched = (body: Readable, moved: Moved, hashes: readonly Hash[]): Readable => {
  // Without the pause, the listener would start the stream before its reader is there.
  body.pause();
  return body.on('data', (chunk: Buffer) => {
    for (const hash of hashes) hash.update(chunk);
    moved(chunk.length);
  });
};

/**
 * Passes each piece on in the event that brings it, which costs a tenth of iterating. It waits only
 * for the bandwidth.
 */
class MeteredBody extends Readable {
  readonly #context: Pick<CopyContext, 'bandwidth' | 'signal'>;
  readonly #source: Readable;
  readonly #moved: Moved;
  #waiting = false;
  #ended = false;

  constructor(
    context: Pick<CopyContext, 'bandwidth' | 'signal'>,
    source: Readable,
    moved: Moved,
    hashes: readonly Hash[],
  ) {
    super();
    this.#context = context;
    this.#source = source;
    this.#moved = moved;
    // A failure reaches the reader. Without this listener it would end the process when there is no
    // reader any more.
    this.on('error', () => undefined);
    // An error or a close before now gives no event any more.
    if (source.destroyed) this.destroy(source.errored ?? closedEarly());
    source.on('data', (chunk: Buffer) => {
      for (const hash of hashes) hash.update(chunk);
      this.#passOn(chunk);
    });
    source.once('end', () => {
      this.#ended = true;
      if (!this.#waiting) this.push(null);
    });
    source.once('error', (error) => this.destroy(error));
    source.once('close', () => {
      if (!source.readableEnded) this.destroy(source.errored ?? closedEarly());
    });
    source.pause();
  }

  override _read(): void {
    if (!this.#waiting) this.#source.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#source.destroy();
    done(error);
  }

  #passOn(chunk: Buffer): void {
    const grain = this.#context.bandwidth.grain();
    if (grain === Infinity) {
      this.#moved(chunk.length);
      if (!this.push(chunk)) this.#source.pause();
      return;
    }
    this.#waiting = true;
    this.#source.pause();
    this.#passSlowly(chunk, grain).catch((error: unknown) => {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  }

  async #passSlowly(chunk: Buffer, grain: number): Promise<void> {
    const { bandwidth, signal } = this.#context;
    let wanted = true;
    for (let at = 0; at < chunk.length; at += grain) {
      const piece = chunk.subarray(at, at + grain);
      await bandwidth.take(piece.length, signal);
      if (this.destroyed) return;
      this.#moved(piece.length);
      wanted = this.push(piece);
    }
    this.#waiting = false;
    if (this.#ended) this.push(null);
    else if (wanted) this.#source.resume();
  }
}

const closedEarly = (): Error => new Error('the connection was closed before its end');
