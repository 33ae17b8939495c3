import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { CharmError } from '../../errors.ts';
import { md5Of } from '../../ports/etags.ts';
import type { S3Address } from './address.ts';
import type { S3Connection } from './connection.ts';
import { failureIn, S3Failure } from './failure.ts';
import { inBase64 } from './headers.ts';
import type { S3Options } from './options.ts';
import type { S3Headers } from './request.ts';

type Handler = Extract<S3ClientConfig['requestHandler'], { handle: unknown }>;
type SdkOptions = NonNullable<Parameters<Handler['handle']>[1]>;

/** What a command of the SDK is sent with, as the second argument of `sdk.send`. */
export interface S3SendOptions extends SdkOptions {
  /** Besides those of the command: metadata, encryption, the attributes of the s3 interface. */
  readonly headers?: S3Headers;
  /** The server may take long before it replies. */
  readonly slow?: boolean;
}

/**
 * AWS's SDK for one bucket, for the requests that are few. Objects are read, written and listed
 * without it.
 */
export interface S3Control {
  readonly sdk: S3Client;
  /**
   * Rejects with an S3Failure or with undici's errors, as the connection does, or with a CharmError
   * for a reply that cannot be read.
   */
  run<Output>(command: (sdk: S3Client) => Promise<Output>): Promise<Output>;
}

/**
 * The SDK over our own connection, which signs and sends. So certificates, proxy, connections and
 * signatures are handled in one place. It sends each request once, because `client.ts` repeats what
 * may be repeated. It never reads AWS's environment variables or files.
 */
export const createControl = (
  connection: S3Connection,
  options: S3Options,
  address: S3Address,
  description: string,
): S3Control => {
  const sdk = new S3Client({
    region: options.region || 'us-east-1',
    credentials: { accessKeyId: options.accessKey, secretAccessKey: options.secretKey },
    signer: { sign: async (request: never) => request },
    endpointProvider: () => ({ url: new URL(address.origin + address.base) }),
    requestHandler: handlerOver(connection),
    maxAttempts: 1,
    retryMode: 'standard',
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    disableS3ExpressSessionAuth: true,
    useArnRegion: false,
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    defaultsMode: 'standard',
    userAgentAppId: 'ckf-backup',
  });
  return {
    sdk,
    run: async (command) => {
      try {
        return await command(sdk);
      } catch (error) {
        throw explained(error, description);
      }
    },
  };
};

/**
 * Sends what the SDK has made. Every refusal becomes an S3Failure here, before the SDK reads it.
 * Replies to copies, completions and deletions may have status 200 and an error in their XML; they
 * are checked too.
 */
const handlerOver = (connection: S3Connection): Handler => ({
  handle: async (request: SdkRequest, options: S3SendOptions = {}) => {
    const body = bytesIn(request.body);
    const { status, headers, bytes } = await connection.askRaw({
      method: request.method,
      path: request.path,
      query: queryIn(request.query),
      headers: { ...headersIn(request.headers, body), ...options.headers },
      ...(body && { body, size: body.length }),
      ...(options.slow && { slow: true }),
      ...(options.abortSignal instanceof AbortSignal && { signal: options.abortSignal }),
    });
    const failure = failureIn({ status, headers, bytes });
    if (failure) throw failure;
    return { response: { statusCode: status, headers: { ...headers }, body: bytes } };
  },
  updateHttpClientConfig: () => undefined,
  httpHandlerConfigs: () => ({}),
});

/** A request in the form that the SDK gives it. */
interface SdkRequest {
  readonly method: string;
  /** Encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | string[] | null>>;
  readonly headers: S3Headers;
  readonly body?: unknown;
}

const bytesIn = (body: unknown): Uint8Array | undefined => {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof Uint8Array) return body;
  throw new TypeError('the SDK sends small bodies only');
};

/** Set by the connection itself. */
const ownHeaders = new Set(['host', 'content-length', 'authorization']);

/**
 * MinIO of 2021 and RadosGW 16 know no other checksum of a body than Content-MD5, and insist on it
 * for some requests, so it goes along with each body in place of the SDK's own checksums.
 */
const headersIn = (headers: S3Headers, body: Uint8Array | undefined): Record<string, string> => {
  const kept = Object.entries(headers)
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => !ownHeaders.has(name) && !/^x-amz-(sdk-)?checksum-/.test(name));
  return {
    ...(body && { 'content-md5': inBase64(md5Of(body)) }),
    ...Object.fromEntries(kept),
  };
};

const queryIn = (query: SdkRequest['query'] = {}): Record<string, string> =>
  Object.fromEntries(
    Object.entries(query).map(([name, value]) => [name, value === null ? '' : String(value)]),
  );

/**
 * The SDK's own errors in our terms: it marks a reply that it cannot parse, and reports an empty
 * reply to a copy as a failure of the server.
 */
const explained = (error: unknown, description: string): unknown => {
  if (!(error instanceof Error) || error instanceof S3Failure) return error;
  if (error.message === 'S3 aborted request') return new S3Failure(503, '', {});
  if (!('$response' in error)) return error;
  return new CharmError(
    'store-refused',
    `A reply of ${description} cannot be read: what answers there does not speak S3. Check the endpoint.`,
    { cause: error },
  );
};
