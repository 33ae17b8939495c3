import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { S3Address } from './s3-address.ts';
import type { S3Options } from './s3-options.ts';
import type { S3Request } from './s3-connection.ts';

/** Signs requests with Signature Version 4; returns the headers to send. Values may be any text. */
export type S3Signer = (request: S3Request, path: string) => Promise<Record<string, string>>;

/**
 * The body is not part of the signature (`UNSIGNED-PAYLOAD`): every server since MinIO 2021 and RadosGW 16 takes that over
 * http too, it saves a SHA-256 over every byte, and streams could not be signed otherwise. Content-MD5 is, and guards the bytes.
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

/** The shape that the signer wants of a SHA-256, on Node's own. */
class Sha256 {
  readonly #secret: string | Uint8Array | undefined;
  #hash: ReturnType<typeof start>;

  constructor(secret?: Bytes) {
    this.#secret = secret === undefined ? undefined : plain(secret);
    this.#hash = start(this.#secret);
  }

  update(data: Bytes): void {
    this.#hash.update(plain(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  reset(): void {
    this.#hash = start(this.#secret);
  }
}

const start = (
  secret: string | Uint8Array | undefined,
): ReturnType<typeof createHmac> | ReturnType<typeof createHash> =>
  secret === undefined ? createHash('sha256') : createHmac('sha256', secret);

const plain = (data: Bytes): string | Uint8Array => {
  if (typeof data === 'string' || data instanceof Uint8Array) return data;
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
};
