import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { rootCertificates, createSecureContext } from 'node:tls';
import { SignatureV4 } from '@smithy/signature-v4';
import { Pool } from 'undici';
import { defaultTimeouts, type S3Options, type S3Request } from './options.ts';
import {
  dispatchStreamed,
  dispatchWhole,
  type Dispatch,
  type S3Answer,
  type S3Response,
} from './reply.ts';

/** Sends signed requests to one bucket, each once. Rejects with undici's errors, which `errors.ts` explains. */
interface S3Connection {
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

/** Signs requests with Signature Version 4; returns the headers to send. Values may be any text. */
type S3Signer = (request: S3Request, path: string) => Promise<Record<string, string>>;

/**
 * The body is not part of the signature (`UNSIGNED-PAYLOAD`): every server since MinIO 2021 and RadosGW 16 takes that over
 * http too, it saves a SHA-256 over every byte, and streams could not be signed otherwise. Content-MD5 is, and guards the bytes.
 */
const createSigner = (options: S3Options, address: S3Address): S3Signer => {
  const signer = new SignatureV4({
    service: 's3',
    region: options.region || 'us-east-1',
    credentials: { accessKeyId: options.accessKey, secretAccessKey: options.secretKey },
    sha256: Sha256,
    uriEscapePath: false,
    applyChecksum: false,
  });
  const { protocol, hostname } = new URL(address.origin);
  return async ({ method, query, headers }, path) => {
    const signed = await signer.sign(
      {
        method,
        protocol,
        hostname,
        path,
        query: { ...query },
        headers: { ...headers, host: address.host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
      },
      { signingDate: options.clock.now() },
    );
    return signed.headers;
  };
};

type Bytes = string | ArrayBuffer | ArrayBufferView;

/** The shape that the signer wants of a SHA-256, on Node's own. It signs short texts only, so that they are kept until the end. */
class Sha256 {
  readonly #key: string | KeyObject | undefined;
  #pieces: (string | Uint8Array)[] = [];

  constructor(secret?: Bytes) {
    this.#key = secret === undefined ? undefined : keyOf(plain(secret));
  }

  update(data: Bytes): void {
    this.#pieces.push(plain(data));
  }

  async digest(): Promise<Uint8Array> {
    const hash = this.#key === undefined ? createHash('sha256') : createHmac('sha256', this.#key);
    for (const piece of this.#pieces) hash.update(piece);
    return hash.digest();
  }

  reset(): void {
    this.#pieces = [];
  }
}

/** The signer hands the day's key over as the same bytes each time; to import them costs five times what the signature does. */
const keys = new WeakMap<Uint8Array, KeyObject>();

const keyOf = (secret: string | Uint8Array): string | KeyObject => {
  if (typeof secret === 'string') return secret;
  const known = keys.get(secret) ?? createSecretKey(secret);
  keys.set(secret, known);
  return known;
};

const plain = (data: Bytes): string | Uint8Array => {
  if (typeof data === 'string' || data instanceof Uint8Array) return data;
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
};

/** Where a bucket answers, and how its keys are written in a URL. */
interface S3Address {
  /** `https://host:port`, for connections. */
  readonly origin: string;
  /** As in the `Host` header. */
  readonly host: string;
  /** The path and query of a request, encoded; without a key those of the bucket. */
  target(key: string | undefined, query: Readonly<Record<string, string>>): S3Target;
}

interface S3Target {
  readonly path: string;
  /** With a leading `?`, or empty. */
  readonly search: string;
}

export const addressOf = (endpoint: string, bucket: string, style: 'path' | 'host'): S3Address => {
  const url = new URL(endpoint);
  const host = style === 'host' ? `${bucket}.${url.host}` : url.host;
  const base = url.pathname.replace(/\/+$/, '') + (style === 'host' ? '' : `/${escapeS3(bucket)}`);
  return {
    origin: `${url.protocol}//${host}`,
    host,
    target: (key, query) => ({
      path: key === undefined ? base || '/' : `${base}/${escapeKey(key)}`,
      search: searchOf(query),
    }),
  };
};

/**
 * A key as the path of a URL. Only RFC 3986's unreserved characters stay, so that the path that is signed is the path that
 * is sent; slashes stay too, and so do `..` and `//`, which no step on the way may tidy up.
 */
export const escapeKey = (key: string): string => key.split('/').map(escapeS3).join('/');

/** Percent-encodes as Signature Version 4 wants it, in paths and in queries. */
export const escapeS3 = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const searchOf = (query: Readonly<Record<string, string>>): string => {
  const pairs = Object.entries(query).map(
    ([name, value]) => `${escapeS3(name)}=${escapeS3(value)}`,
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
};
