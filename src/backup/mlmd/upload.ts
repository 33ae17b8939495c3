import { PassThrough, Writable } from 'node:stream';
import { reasonOf } from '../../errors.ts';
import type { ObjectStore } from '../../world.ts';

export interface Uploaded<T> {
  readonly value: T;
  readonly size: number;
  readonly sha256: string;
}

/**
 * Uploads what `produce` writes while it writes it, and completes the object only when `produce` has resolved: a command may
 * end its output and fail all the same. When either fails, the other is stopped, no object is left, and the first failure is thrown.
 */
export const uploadProduced = async <T>(
  { store, signal }: { readonly store: ObjectStore; readonly signal: AbortSignal },
  key: string,
  produce: (output: Writable, signal: AbortSignal) => Promise<T>,
): Promise<Uploaded<T>> => {
  const body = new PassThrough();
  body.on('error', () => undefined);
  const lost = new AbortController();
  const uploading = store.upload(key, body, { signal });
  uploading.catch((error: unknown) => {
    lost.abort(error);
  });
  try {
    const value = await produce(openEnded(body), AbortSignal.any([signal, lost.signal]));
    body.end();
    const { size, sha256 } = await uploading;
    return { value, size, sha256 };
  } catch (error) {
    const reason: unknown = lost.signal.aborted ? lost.signal.reason : error;
    body.destroy(error instanceof Error ? error : new Error(reasonOf(error)));
    await uploading.catch(() => undefined);
    throw reason;
  }
};

/** Writes through to `body`, whose end is not ours to tell. */
const openEnded = (body: PassThrough): Writable => {
  const output = new Writable({
    write: (chunk, _encoding, done) => {
      body.write(chunk, done);
    },
  });
  output.on('error', () => undefined);
  return output;
};
