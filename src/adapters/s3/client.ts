import { setMaxListeners } from 'node:events';
import type { S3Client as Sdk } from '@aws-sdk/client-s3';
import { CharmError, reasonOf } from '../../errors.ts';
import { retry } from '../retry.ts';
import { addressOf } from './address.ts';
import { connect } from './connection.ts';
import { createControl, type S3SendOptions } from './control.ts';
import { createExplainer, mayPass, type S3Attempt } from './errors.ts';
import { failureOf, S3Failure } from './failure.ts';
import { defaultSizes, type S3Options, type S3Sizes } from './options.ts';
import type { S3Answer, S3Response } from './reply.ts';
import type { S3Headers, S3Request } from './request.ts';

/** What is being done, for messages and for sending it again. */
interface S3Work {
  /** The end of "could not …". */
  readonly doing: string;
  readonly key?: string;
  readonly signal?: AbortSignal;
  readonly onCondition?: S3Attempt['onCondition'];
  readonly aboutTags?: S3Attempt['aboutTags'];
  /** Called before the request is sent again. The server may have carried out the first one. */
  readonly onRetry?: () => void;
  /**
   * Cleans up what was begun. It is still sent, though not repeated, after the adapter's signal has
   * fired.
   */
  readonly tidies?: boolean;
}

export type S3Call = S3Request & S3Work;

/** Work for a command of the SDK. */
export interface S3ControlCall extends S3Work {
  readonly headers?: S3Headers;
  /** The server may take long before it replies. */
  readonly slow?: boolean;
}

/**
 * Requests to one bucket: signed, repeated when that may help, with failures explained to an
 * operator.
 */
export interface S3Client {
  readonly description: string;
  readonly options: S3Options;
  readonly sizes: S3Sizes;
  /**
   * Sends a request and gives a reply of 2xx to `consume`, which is part of the attempt: when
   * reading the reply fails, the request is sent again. Rejects with a CharmError whose cause is
   * the server's S3Failure.
   */
  call<Result>(
    request: S3Call,
    consume: (response: S3Response) => Promise<Result>,
  ): Promise<Result>;
  /** The same for a small reply, which is read as a whole as a part of the attempt. */
  ask(request: S3Call): Promise<S3Answer>;
  /**
   * Sends one command of the SDK, with the options that it is given: `(sdk, options) =>
   * sdk.send(new …Command(…), options)`. The rest as in `call`.
   */
  control<Output>(
    call: S3ControlCall,
    command: (sdk: Sdk, options: S3SendOptions) => Promise<Output>,
  ): Promise<Output>;
  /** The CharmError for a failure while the body is read, after `call` has resolved. */
  explain(error: unknown, doing: string): Error;
  close(): Promise<void>;
}

/** Milliseconds. */
const pauses = [250, 8000] as const;

export const createClient = (options: S3Options): S3Client => {
  const address = options.atRoot
    ? addressOf(options.endpoint, '', 'path')
    : addressOf(options.endpoint, options.bucket, options.style);
  const connection = connect(options, address);
  const description = `bucket ${options.bucket} at ${options.endpoint}`;
  const control = createControl(connection, options, address, description);
  const explain = createExplainer(options, description);
  const attempts = options.attempts ?? 6;
  // Every request under way listens to this signal.
  if (options.signal) setMaxListeners(0, options.signal);

  const repeat = async <Work extends S3Work, Result>(
    request: Work,
    attemptOnce: (request: Work) => Promise<Result>,
  ): Promise<Result> => {
    const { tidies = false } = request;
    const signal = tidies ? request.signal : eitherOf(options.signal, request.signal);
    checkKey(request.key, description);
    let attempt = 0;
    const once = async (): Promise<Result> => {
      attempt += 1;
      return attemptOnce({ ...request, ...(signal && { signal }) });
    };
    const maySucceed = (error: unknown): boolean =>
      !(tidies && options.signal?.aborted === true) && maySendAgain(request) && mayPass(error);
    try {
      return await retry(once, {
        ...{ clock: options.clock, signal, attempts, pauses, mayPass: maySucceed },
        asked: (error) => (error instanceof S3Failure ? error.retryAfter : undefined),
        random: options.random ?? Math.random,
        ...(request.onRetry && { onRetry: request.onRetry }),
      });
    } catch (error) {
      signal?.throwIfAborted();
      const { doing, onCondition, aboutTags } = request;
      throw explain(error, {
        ...{ doing, attempts: attempt, aboutTags },
        ...(onCondition && { onCondition }),
      });
    }
  };

  return {
    description,
    options,
    sizes: { ...defaultSizes, ...options.sizes },
    call: (request, consume) =>
      repeat(request, async (prepared) => {
        const response = await connection.send(prepared);
        if (response.status >= 300) throw await failureOf(response);
        return consume(response);
      }),
    ask: (request) =>
      repeat(request, async (prepared) => {
        const answer = await connection.ask(prepared);
        if (answer.status >= 300)
          throw new S3Failure(answer.status, answer.bytes.toString('utf8'), answer.headers);
        return answer;
      }),
    control: ({ headers, slow, ...work }, command) =>
      repeat(work, ({ signal }) =>
        control.run((sdk) =>
          command(sdk, {
            ...(signal && { abortSignal: signal }),
            ...(headers && { headers }),
            ...(slow && { slow }),
          }),
        ),
      ),
    explain: (error, doing) => {
      const explained = explain(error, { doing, attempts: 1 });
      return explained instanceof Error ? explained : new Error(reasonOf(explained));
    },
    close: () => connection.close(),
  };
};

/** A stream is used up by the first attempt. */
const maySendAgain = (work: S3Work & Pick<S3Request, 'body'>): boolean =>
  work.body === undefined || work.body instanceof Uint8Array;

const eitherOf = (a?: AbortSignal, b?: AbortSignal): AbortSignal | undefined =>
  a && b ? AbortSignal.any([a, b]) : (a ?? b);

/** S3 allows 1 to 1024 bytes of UTF-8; a lone surrogate cannot be written as such. */
const checkKey = (key: string | undefined, description: string): void => {
  if (key === undefined) return;
  const problem =
    key === ''
      ? 'it is empty'
      : !key.isWellFormed()
        ? 'it is not valid Unicode'
        : Buffer.byteLength(key) > 1024
          ? 'it has more than 1024 bytes'
          : undefined;
  if (problem !== undefined)
    throw new CharmError(
      'store-refused',
      `No object of ${description} can have the key ${quoteKey(key)}: ${problem}.`,
    );
};

/** A key in a message: quoted, so that spaces and newlines show, and not endless. */
export const quoteKey = (key: string): string =>
  JSON.stringify(key.length > 200 ? `${key.slice(0, 200)}…` : key);
