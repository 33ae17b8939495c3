import type { LookupFunction } from 'node:net';
import type { Clock } from '../../world.ts';

/**
 * What an operator is told to do, as ends of sentences: "check the access key that s3-integrator
 * was given".
 */
export interface S3Advice {
  readonly credentials: string;
  readonly bucket: string;
  readonly endpoint: string;
  readonly certificate: string;
}

/** How a bucket is reached, and as whom. */
export interface S3Access {
  /** `https://host[:port][/path]`. */
  readonly endpoint: string;
  /** Undefined or empty is `us-east-1`, which MinIO and RadosGW take for any region. */
  readonly region: string | undefined;
  readonly bucket: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** `https://host/bucket/key` or `https://bucket.host/key`. */
  readonly style: 'path' | 'host';
  /** Speaks to the server and not to the bucket. */
  readonly atRoot?: boolean;
  /** PEM; trusted in addition to the public authorities. */
  readonly caChain?: readonly string[];
  /** Through which the server is asked, with its user and password where it wants some. */
  readonly proxy?: URL | undefined;
  /** Asked for everything that is written. */
  readonly storageClass?: string;
  readonly serverSideEncryption?: { readonly algorithm: string; readonly keyId?: string };
  /**
   * The `attributes` of the s3 interface: headers for everything that is written (and a customer's
   * key for what is read).
   */
  readonly extraHeaders?: Readonly<Record<string, string>>;
}

export interface S3Options extends S3Access {
  readonly advice?: Partial<S3Advice>;
  readonly clock: Clock;
  /** From 0 up to 1, for the jitter between attempts. */
  readonly random?: () => number;
  /** Ends all requests that are under way or still come. */
  readonly signal?: AbortSignal;
  /** Connections at most; more requests wait. */
  readonly connections?: number;
  /** How often a request is sent before it is given up. */
  readonly attempts?: number;
  /** Milliseconds: to connect, until a reply begins, and between two pieces of a reply. */
  readonly timeouts?: Partial<S3Timeouts>;
  readonly sizes?: Partial<S3Sizes>;
  /** Resolves host names; the system's resolver unless given. */
  readonly lookup?: LookupFunction;
}

interface S3Timeouts {
  readonly connect: number;
  readonly reply: number;
  readonly silence: number;
  /** Until the reply begins of what takes a server long: copies, and putting parts together. */
  readonly slowReply: number;
}

/** Bytes. */
export interface S3Sizes {
  /** The first parts of a stream of unknown length; later ones are longer. */
  readonly part: number;
  /** The largest object that is copied with one request; S3 allows 5 GiB. */
  readonly singleCopy: number;
  readonly copyPart: number;
}

export const defaultTimeouts: S3Timeouts = {
  connect: 10_000,
  reply: 60_000,
  silence: 60_000,
  slowReply: 600_000,
};

const mebibyte = 2 ** 20;

export const defaultSizes: S3Sizes = {
  part: 8 * mebibyte,
  singleCopy: 5120 * mebibyte,
  copyPart: 1024 * mebibyte,
};

export const defaultAdvice: S3Advice = {
  credentials: 'check its access key, its secret key and what they may do',
  bucket: 'create the bucket or correct its name',
  endpoint: 'check its address, and that it can be reached from this unit',
  certificate: 'give the certificates of its authority as the CA chain',
};

/**
 * What an operator does about an S3 storage that s3-integrator told us of, as ends of sentences.
 * `named` is the application whose option names the bucket.
 */
export const s3IntegratorAdvice = (provider: string, bucket: string, named: string): S3Advice => ({
  credentials:
    `check the keys that ${provider} has and what they may do` +
    ` (juju run ${provider}/leader sync-s3-credentials, or the secret of its option credentials)`,
  bucket: `create the bucket ${bucket}, or name another one: juju config ${named} bucket=<bucket>`,
  endpoint: `check juju config ${provider} endpoint, and that it can be reached from this unit`,
  certificate: `give the certificates of its authority: juju config ${provider} tls-ca-chain="$(base64 -w0 ca.pem)"`,
});

/**
 * What to do about keys that may not delete backups. The keys that write them are right as they
 * are.
 */
export const retentionAdvice = (application: string): string =>
  `if its keys are not to delete backups, give keys that may: juju config ${application} retention-credentials=<secret>, or leave it to the lifecycle of the bucket`;

/** What an operator does about MinIO, as ends of sentences. */
export const minioAdvice = (provider: string, application: string, bucket: string): S3Advice => ({
  credentials: `look at juju status ${provider}; its keys come over the object-storage relation`,
  bucket: `there is no bucket ${bucket} in ${provider}; name those that there are: juju config ${application} source-buckets=<bucket>,<bucket>`,
  endpoint: `look at juju status ${provider}, and whether it can be reached from this unit; if it speaks TLS: juju config ${application} object-storage-ca=@ca.pem`,
  certificate: `give the certificates of its authority: juju config ${application} object-storage-ca=@ca.pem`,
});
