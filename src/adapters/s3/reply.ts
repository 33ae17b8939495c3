import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { CharmError } from '../../errors.ts';
import type { S3Headers } from './request.ts';
import { countBuffer } from './young-garbage.ts';

interface Head {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: S3Headers;
}

/** A reply whose body is small and was read as a whole. */
export interface S3Answer extends Head {
  readonly bytes: Buffer;
}

export interface S3Response extends Head {
  /** Must be consumed or destroyed. Fails when the server ends it early. */
  readonly body: ReplyBody;
}

/** A request and what is needed to send it. */
export interface Dispatch {
  readonly dispatcher: Dispatcher;
  readonly options: Dispatcher.DispatchOptions;
  readonly decode: (
    headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  ) => S3Headers;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What is read as a whole is small: an object of at most 1 MiB, a manifest, a page of a listing.
 */
const mostOfWhole = 16 * 2 ** 20;

/**
 * Sends a request and reads the whole of its reply, without the streams that `request` puts around
 * it: they cost more than half of what undici needs for a small object. Rejects with undici's
 * errors, also when the reply ends early, and with `store-refused` when it does not end.
 */
export const dispatchWhole = (dispatch: Dispatch): Promise<S3Answer> =>
  new Promise((resolve, reject) => {
    let head: Head = { status: 0, headers: {} };
    let chunks: Buffer[] = [];
    let length = 0;
    let abort: Dispatcher.DispatchController['abort'] = () => undefined;
    send(dispatch, {
      begin: (replied, controller) => {
        head = replied;
        chunks = [];
        length = 0;
        abort = (reason) => {
          controller.abort(reason);
        };
      },
      data: (chunk) => {
        length += chunk.length;
        if (length > mostOfWhole) abort(tooLarge());
        else chunks.push(chunk);
        return true;
      },
      end: () => {
        const [only] = chunks;
        resolve({ ...head, bytes: chunks.length === 1 && only ? only : Buffer.concat(chunks) });
      },
      fail: reject,
    });
  });

const tooLarge = (): CharmError =>
  new CharmError(
    'store-refused',
    'S3 answered with more than 16 MiB where a manifest, a small object or a page of a listing belongs. What answers there does not speak S3, or somebody else wrote into the bucket.',
  );

/** Sends a request and resolves as soon as its reply has begun. Rejects with undici's errors. */
export const dispatchStreamed = (dispatch: Dispatch): Promise<S3Response> =>
  new Promise((resolve, reject) => {
    let body: ReplyBody | undefined;
    send(dispatch, {
      begin: (head, controller) => {
        body = new ReplyBody(controller, Number(head.headers['content-length'] ?? NaN));
        resolve({ ...head, body });
      },
      data: (chunk) => body?.receive(chunk) ?? false,
      end: () => {
        body?.finish();
      },
      fail: (error) => {
        if (body === undefined) reject(error);
        else if (body.isWhole && dispatch.signal?.aborted !== true) body.finish();
        else body.fail(error);
      },
    });
  });

/**
 * The body of a reply: one stream between undici and its reader, since each one more costs a tenth
 * of copying a large object.
 */
class ReplyBody extends Readable {
  readonly #controller: Dispatcher.DispatchController;
  #explain = (error: Error): Error => error;
  #complete = false;
  readonly #length: number;
  #received = 0;

  /** `length` is how many bytes were announced; NaN when that was not said. */
  constructor(controller: Dispatcher.DispatchController, length: number) {
    super();
    this.#controller = controller;
    this.#length = length;
  }

  /** Whether more can be taken now. */
  receive(chunk: Buffer): boolean {
    this.#received += chunk.length;
    return this.push(chunk);
  }

  /**
   * Whether all that was announced is here. To a server that has sent everything the connection is
   * idle, and it closes it after a while. Under a bandwidth limit we may still read for minutes
   * then, and undici takes it for a reply that broke.
   */
  get isWhole(): boolean {
    return this.#received === this.#length;
  }

  /** Translates the errors of the connection. */
  explained(explain: (error: unknown) => Error): this {
    this.#explain = explain;
    return this;
  }

  finish(): void {
    this.#complete = true;
    this.push(null);
  }

  fail(error: Error): void {
    this.#complete = true;
    this.destroy(this.#explain(error));
  }

  override _read(): void {
    this.#controller.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#complete) this.#controller.abort(error ?? new Error('nobody reads the reply'));
    done(error);
  }
}

interface Receiver {
  readonly begin: (head: Head, controller: Dispatcher.DispatchController) => void;
  /** Whether more can be taken now. */
  readonly data: (chunk: Buffer) => boolean;
  readonly end: () => void;
  /** May be called more than once. */
  readonly fail: (error: Error) => void;
}

const send = ({ dispatcher, options, decode, signal }: Dispatch, receiver: Receiver): void => {
  let started: Dispatcher.DispatchController | undefined;
  const stop = (reason: unknown): void => {
    const error = reason instanceof Error ? reason : new Error(String(reason));
    forget?.();
    receiver.fail(error);
    started?.abort(error);
  };
  const forget = signal
    ? onAbort(signal, () => {
        stop(signal.reason);
      })
    : undefined;
  dispatcher.dispatch(options, {
    onRequestStart: (controller) => {
      started = controller;
      if (signal?.aborted) stop(signal.reason);
    },
    onResponseStart: (controller, status, raw) => {
      // An informational reply, such as 100, is followed by the real one.
      if (status >= 200) receiver.begin({ status, headers: decode(raw) }, controller);
    },
    onResponseData: (controller, chunk) => {
      countBuffer(chunk);
      if (!receiver.data(chunk)) controller.pause();
    },
    onResponseEnd: () => {
      forget?.();
      receiver.end();
    },
    onResponseError: (_, error) => {
      forget?.();
      receiver.fail(error);
    },
  });
};

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
