import type { Dispatcher } from 'undici';
import type { S3Headers } from './connection.ts';

/** A reply whose body is small and was read as a whole. */
export interface S3Answer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: S3Headers;
  readonly bytes: Buffer;
}

type RawHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Sends a request and reads the whole of its reply, without the streams that `request` puts around it: they cost more than half of
 * what undici needs for a small object. Rejects with undici's errors, also when the reply ends early.
 */
export const dispatchWhole = (
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  decode: (headers: RawHeaders) => S3Headers,
  signal?: AbortSignal,
): Promise<S3Answer> =>
  new Promise((resolve, reject) => {
    let status = 0;
    let headers: S3Headers = {};
    let chunks: Buffer[] = [];
    let started: Dispatcher.DispatchController | undefined;
    const forget = signal
      ? onAbort(signal, () => {
          stop(signal.reason);
        })
      : undefined;
    const stop = (reason: unknown): void => {
      const error = reason instanceof Error ? reason : new Error(String(reason));
      started?.abort(error);
      forget?.();
      reject(error);
    };
    dispatcher.dispatch(options, {
      onRequestStart: (controller) => {
        started = controller;
        if (signal?.aborted) stop(signal.reason);
      },
      onResponseStart: (_, statusCode, raw) => {
        // What comes before the reply proper, such as 100, is followed by it.
        if (statusCode < 200) return;
        status = statusCode;
        headers = decode(raw);
        chunks = [];
      },
      onResponseData: (_, chunk) => {
        chunks.push(chunk);
      },
      onResponseEnd: () => {
        forget?.();
        const [only] = chunks;
        const bytes = chunks.length === 1 && only ? only : Buffer.concat(chunks);
        resolve({ status, headers, bytes });
      },
      onResponseError: (_, error) => {
        forget?.();
        reject(error);
      },
    });
  });

const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/** Like `addEventListener`, but one listener serves every request under way. */
const onAbort = (signal: AbortSignal, listener: () => void): (() => void) => {
  let known = listeners.get(signal);
  if (!known) {
    const all = new Set<() => void>();
    signal.addEventListener('abort', () => {
      for (const each of all) each();
    });
    listeners.set(signal, all);
    known = all;
  }
  const ours = known.add(listener);
  return () => ours.delete(listener);
};
