import { rootCertificates, createSecureContext } from 'node:tls';
import type { Readable } from 'node:stream';
import { Pool } from 'undici';
import { dispatchStreamed, dispatchWhole, type Dispatch } from './answer.ts';
import type { S3Answer, S3Response } from './answer.ts';
import type { S3Address } from './address.ts';
import { defaultTimeouts, type S3Options } from './options.ts';
import { createSigner } from './signer.ts';

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** What the request is for, for messages, as the end of "could not …". */
  readonly doing: string;
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  /** By lower-case name; values may be any text and are sent as UTF-8. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream can be sent once only, and needs `size`. */
  readonly body?: Uint8Array | Readable;
  readonly size?: number;
  readonly signal?: AbortSignal;
  /** The server may take long before it replies. */
  readonly slow?: boolean;
}

export type S3Headers = Readonly<Record<string, string>>;

/** Sends signed requests to one bucket, each once. Rejects with undici's errors, which `errors.ts` explains. */
export interface S3Connection {
  send(request: S3Request): Promise<S3Response>;
  /** For small replies: reads the whole body too. */
  ask(request: S3Request): Promise<S3Answer>;
  close(): Promise<void>;
}

export const connect = (options: S3Options, address: S3Address): S3Connection => {
  const timeouts = { ...defaultTimeouts, ...options.timeouts };
  const sign = createSigner(options, address);
  const pool = new Pool(address.origin, {
    connections: options.connections ?? 256,
    pipelining: 1,
    allowH2: false,
    headersTimeout: timeouts.reply,
    bodyTimeout: timeouts.silence,
    connect: {
      timeout: timeouts.connect,
      ...(options.lookup && { lookup: options.lookup }),
      // Made once: to read the public authorities takes milliseconds, which each connection would pay again.
      ...(options.caChain?.length && {
        secureContext: createSecureContext({ ca: [...rootCertificates, ...options.caChain] }),
      }),
    },
  });
  const prepare = async (request: S3Request): Promise<Dispatch> => {
    const { path, search } = address.target(request.key, request.query ?? {});
    const headers = await sign(request, path);
    if (request.size !== undefined) headers['content-length'] = String(request.size);
    const options = {
      method: request.method,
      path: path + search,
      headers: onTheWire(headers),
      body: request.body ?? null,
      // undici would close the connection after each HEAD, for servers that answer one with a body.
      reset: false,
      ...(request.slow && { headersTimeout: timeouts.slowReply }),
    };
    return { dispatcher: pool, options, decode: fromTheWire, signal: request.signal };
  };
  return {
    send: async (request) => dispatchStreamed(await prepare(request)),
    ask: async (request) => dispatchWhole(await prepare(request)),
    close: () => pool.destroy(),
  };
};

/** undici writes headers as Latin-1: the bytes of the UTF-8, which are what was signed, have to be spelt as such. */
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
