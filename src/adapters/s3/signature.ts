import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { type S3Address, escapeS3 } from './address.ts';
import type { S3Options } from './options.ts';
import type { S3RawRequest } from './request.ts';

interface S3Signer {
  /** Returns the headers to send. Values may be any text. */
  sign(request: S3RawRequest): Promise<Record<string, string>>;
  /** The URL of a GET of an encoded path that needs no headers, for so many seconds. */
  link(path: string, seconds: number): Promise<string>;
}

/**
 * Signs with Signature Version 4. The body is not part of the signature (`UNSIGNED-PAYLOAD`): every
 * server since MinIO 2021 and RadosGW 16 takes that over http too. It saves a SHA-256 over every
 * byte, and a stream could not be signed before it was read. Content-MD5 is signed, and protects
 * the bytes.
 */
export const createSigner = (options: S3Options, address: S3Address): S3Signer => {
  const signer = new SignatureV4({
    service: 's3',
    region: options.region || 'us-east-1',
    credentials: { accessKeyId: options.accessKey, secretAccessKey: options.secretKey },
    sha256: Sha256,
    uriEscapePath: false,
    applyChecksum: false,
  });
  const { protocol, hostname } = new URL(address.origin);
  return {
    sign: async ({ method, path, query, headers }) => {
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
    },
    link: async (path, seconds) => {
      const { query = {} } = await signer.presign(
        {
          ...{ method: 'GET', protocol, hostname, path, query: {} },
          // As AWS's own SDK has it, from where it goes into the query.
          headers: { host: address.host, 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' },
        },
        { signingDate: options.clock.now(), expiresIn: seconds },
      );
      const pairs = Object.entries(query).map(
        ([name, value]) => `${escapeS3(name)}=${escapeS3(String(value))}`,
      );
      return `${address.origin}${path}?${pairs.join('&')}`;
    },
  };
};

type Bytes = string | ArrayBuffer | ArrayBufferView;

/**
 * Node's SHA-256 in the form that the signer wants. The signer hashes short texts only, so they are
 * kept until the end.
 */
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

/**
 * The signer gives the key of the day as the same bytes each time. To import them costs five times
 * as much as the signature, so the imported key is kept.
 */
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
