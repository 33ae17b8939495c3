import { escapeS3, type S3Address } from './address.ts';
import { openDispatcher } from './dispatcher.ts';
import { defaultTimeouts, type S3Options } from './options.ts';
import {
  dispatchStreamed,
  dispatchWhole,
  type Dispatch,
  type S3Answer,
  type S3Response,
} from './reply.ts';
import type { S3RawRequest, S3Request } from './request.ts';
import { createSigner } from './signature.ts';

/**
 * Sends signed requests to one bucket, each once. Rejects with undici's errors, which `errors.ts`
 * explains.
 */
export interface S3Connection {
  send(request: S3Request): Promise<S3Response>;
  /** For small replies: reads the whole body too. */
  ask(request: S3Request): Promise<S3Answer>;
  askRaw(request: S3RawRequest): Promise<S3Answer>;
  close(): Promise<void>;
}

export const connect = (options: S3Options, address: S3Address): S3Connection => {
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  const signer = createSigner(options, address);
  const dispatcher = openDispatcher(options, address.origin);
  const prepare = async (request: S3RawRequest): Promise<Dispatch> => {
    const headers = await signer.sign(request);
    if (request.size !== undefined) headers['content-length'] = String(request.size);
    // We want the bytes as they are stored. The header is not signed, because some proxies change
    // it on the way.
    headers['accept-encoding'] = request.packed ? 'gzip' : 'identity';
    const options = {
      origin: address.origin,
      method: request.method,
      path: request.path + searchOf(request.query),
      headers: onTheWire(headers),
      body: request.body ?? null,
      // undici would close the connection after each HEAD, for servers that answer one with a body.
      reset: false,
      ...(request.slow && { headersTimeout: timeouts.slowReply }),
    };
    return { dispatcher, options, decode: fromTheWire, signal: request.signal };
  };
  const located = (request: S3Request): S3RawRequest => {
    const { key, query = {} } = request;
    return { ...request, path: address.pathOf(key), query };
  };
  return {
    send: async (request) => dispatchStreamed(await prepare(located(request))),
    ask: async (request) => dispatchWhole(await prepare(located(request))),
    askRaw: async (request) => dispatchWhole(await prepare(request)),
    close: () => dispatcher.destroy(),
  };
};

/**
 * undici writes headers as Latin-1, but the signature is over UTF-8. So each byte of the UTF-8 is
 * given as one Latin-1 character.
 */
const onTheWire = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  mapValues(headers, (value) =>
    isAscii(value) ? value : Buffer.from(value, 'utf8').toString('latin1'),
  );

const fromTheWire = (
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Record<string, string> =>
  mapValues(headers, (value) => {
    const text = typeof value === 'string' ? value : (value?.join(',') ?? '');
    if (isAscii(text)) return text;
    const decoded = Buffer.from(text, 'latin1').toString('utf8');
    return decoded.includes('\ufffd') ? text : decoded;
  });

const mapValues = <Value>(
  record: Readonly<Record<string, Value>>,
  convert: (value: Value) => string,
): Record<string, string> => {
  const result: Record<string, string> = {};
  for (const name of Object.keys(record)) {
    const value = record[name];
    if (value !== undefined) result[name] = convert(value);
  }
  return result;
};

const isAscii = (text: string): boolean => !/[\u0080-\uffff]/.test(text);

/** With a leading `?`, or empty. */
const searchOf = (query: Readonly<Record<string, string>>): string => {
  const pairs = Object.entries(query).map(
    ([name, value]) => `${escapeS3(name)}=${escapeS3(value)}`,
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
};
