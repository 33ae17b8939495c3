import type { Readable } from 'node:stream';

/*
 * This folder has the ports: one small interface for each outside system. The contract suites in
 * tests/contracts check them, for each fake and adapter alike.
 */

export interface StoredObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  readonly lastModified: Date;
  /** The class of S3 that it lies in, where it may have to be thawed before it is read. */
  readonly archive?: string;
}

/**
 * Whether the bytes of an object can be read. `frozen`: not before they are thawed; `asked`: that
 * has just been asked for; `thawing`: it was asked for earlier.
 */
export type Readiness = 'readable' | 'frozen' | 'asked' | 'thawing';

/** What keeps the objects of a bucket from those who have our keys. */
export interface Protection {
  /** `unknown`: the server does not say, or not to our keys. */
  readonly versioning: 'on' | 'suspended' | 'off' | 'unknown';
  /** `on`: there is Object Lock, and no retention by default. */
  readonly lock:
    | {
        readonly kind: 'default';
        readonly mode: 'GOVERNANCE' | 'COMPLIANCE';
        readonly days: number;
      }
    | { readonly kind: 'on' | 'off' | 'unknown' };
  /** Whether our keys may delete for good; in a bucket with versioning, versions. */
  readonly mayDelete: 'yes' | 'no' | 'unknown';
}

/** Keys after one key, up to and with another one; open where there is none. */
export interface KeyRange {
  readonly startAfter?: string | undefined;
  readonly upTo?: string | undefined;
}

/** What belongs to an object besides its bytes. */
export interface ObjectMetadata {
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly contentDisposition?: string;
  readonly contentLanguage?: string;
  readonly cacheControl?: string;
  readonly expires?: string;
  /** `x-amz-meta-*`, by lower-case name. */
  readonly user: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

export interface ObjectContent extends StoredObject {
  /** `tags` is empty when `tagCount` is 0, otherwise ask `tags(key)`. */
  readonly metadata: ObjectMetadata;
  readonly tagCount: number;
  /** Must be consumed or destroyed. Fails when the server ends it early. */
  readonly body: Readable;
}

/** An object of some bucket, as a server is told what it is to copy. */
export interface CopyOrigin {
  /** Two buckets of one server that are reached in the same way have the same. */
  readonly server: string;
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
}

/** What a PUT has stored. */
export interface WrittenObject {
  readonly etag: string;
  /** Only where the bucket keeps versions, and where the server tells it in its reply. */
  readonly versionId?: string;
}

/** A small object as a whole. */
export interface FetchedObject extends Omit<ObjectContent, 'body'> {
  readonly bytes: Buffer;
}

export interface PutOptions {
  readonly metadata?: Partial<ObjectMetadata>;
  /** Only when no object has this key; otherwise rejects with `object-exists`. */
  readonly ifAbsent?: boolean;
  /** Only when the object has this ETag; otherwise rejects with `object-changed`. */
  readonly ifMatch?: string;
  /** Hex. Sent as Content-MD5, so that the server refuses bytes that differ. */
  readonly md5?: string;
  readonly signal?: AbortSignal;
}

/** An upload in parts. Nothing is visible before `complete`. */
export interface PartUpload {
  readonly uploadId: string;
  /**
   * Parts are numbered from 1; all but the last have at least 5 MiB. May be called side by side.
   */
  put(
    part: number,
    body: Uint8Array | Readable,
    size: number,
    md5?: string,
  ): Promise<{ readonly etag: string }>;
  complete(): Promise<{ readonly etag: string }>;
  abort(): Promise<void>;
}

/**
 * One bucket of an S3 server. Failures that may pass (connections, 429, 500, 502, 503, 504) are
 * retried with back-off, except that a body given as a stream is sent once only. Codes:
 * `store-unreachable`, `store-denied`, `store-bucket-missing`, `store-refused` (with the server's
 * own code in the message), `object-missing`, `object-changed`, `object-exists`, `object-archived`,
 * `store-corrupt`, `store-refuses-tags` for a write with tags that the server does not take or
 * their reading on a server that has none, `tags-unreadable` for tags that the server stores and
 * cannot read.
 */
export interface ObjectStore extends AsyncDisposable {
  /** For messages: `bucket mlpipeline at http://minio.kubeflow:9000`. */
  readonly description: string;
  /** Rejects unless the bucket exists and may be listed. */
  probe(): Promise<void>;
  /** The buckets of the server that the credentials may see, in order; this one may be missing. */
  bucketNames(): Promise<readonly string[]>;
  /**
   * `absent` is a key that never is an object: its deletion is tried. Never rejects for a refusal.
   */
  protection(absent: string): Promise<Protection>;
  /** The same of Object Lock alone, in one request. */
  objectLock(): Promise<Protection['lock']>;
  /**
   * In the order of the keys' UTF-8 bytes; only keys that sort after `startAfter`, and not after
   * `upTo`. Every key comes exactly as it is stored.
   */
  list(prefix: string, range?: KeyRange): AsyncIterable<StoredObject>;
  /** The "directories" one level below `prefix`, each ending with `/`. */
  listPrefixes(prefix: string): AsyncIterable<string>;
  /**
   * With `part`, `size` is that of this part, counted from 1; a server that cannot tell answers
   * with the size of the whole.
   */
  head(
    key: string,
    options?: { readonly part?: number },
  ): Promise<
    | (StoredObject & {
        readonly metadata: ObjectMetadata;
        /** By Object Lock; absent where there is none, or where it may not be seen. */
        readonly lockedUntil?: Date;
      })
    | undefined
  >;
  /**
   * `etag` makes it reject with `object-changed` when the object is another one by now; `range` is
   * inclusive.
   */
  get(
    key: string,
    options?: {
      readonly etag?: string;
      readonly range?: { readonly start: number; readonly end: number };
      readonly signal?: AbortSignal;
    },
  ): Promise<ObjectContent>;
  /**
   * The whole of a small object with what belongs to it; `etag` as in `get`. A reply that breaks
   * off is asked for again.
   */
  fetch(key: string, options?: { readonly etag?: string }): Promise<FetchedObject>;
  /** The whole of a small object. */
  read(key: string): Promise<Buffer>;
  tags(key: string): Promise<Readonly<Record<string, string>>>;
  /** With `days`, S3 is asked to thaw a frozen object, and to keep it readable for that long. */
  thaw(key: string, days?: number): Promise<Readiness>;
  /**
   * A URL by which anybody may read this one object for so many seconds. Nothing is asked of the
   * server.
   */
  link(key: string, seconds: number): Promise<string>;
  /**
   * Writes an object of a known size. Rejects, and leaves no object, when the body is shorter,
   * longer or fails. The caller may trust the ETag that comes back: a single PUT without KMS has
   * the MD5 of the bytes that the server stored.
   */
  put(key: string, body: Uint8Array | string, options?: PutOptions): Promise<WrittenObject>;
  put(
    key: string,
    body: Readable,
    options: PutOptions & { readonly size: number },
  ): Promise<WrittenObject>;
  /**
   * Writes a stream of unknown length, in parts when it is long, each checked by its MD5. No object
   * is left, and no parts are, when the stream fails.
   */
  upload(
    key: string,
    body: Readable,
    options?: PutOptions,
  ): Promise<{ readonly etag: string; readonly size: number; readonly sha256: string }>;
  startParts(key: string, metadata: Partial<ObjectMetadata>): Promise<PartUpload>;
  unfinishedUploads(prefix: string): AsyncIterable<{
    readonly key: string;
    readonly uploadId: string;
    readonly initiated: Date;
  }>;
  abortUpload(key: string, uploadId: string): Promise<void>;
  /**
   * Copies inside the bucket, on the server, metadata and tags included. `etag` guards the source.
   */
  copy(from: string, to: string, etag: string): Promise<void>;
  /** What `copyFrom` of another bucket is told about an object of this one. Asks nobody. */
  origin(object: Pick<StoredObject, 'key' | 'etag'>): CopyOrigin;
  /**
   * Copies an object of any bucket of this server, on the server, so that no byte of it comes here,
   * and gives it this metadata; in parts of `partSize` bytes where that is given. Parts may take
   * long, so `mayWrite` is asked before they become an object. Resolves with the ETag of the copy,
   * which proves it when it is that of the origin. Rejects when these credentials may not read the
   * origin, or the server does not do it; when its tags fail, the object may be there.
   */
  copyFrom(
    origin: CopyOrigin & Pick<StoredObject, 'size'>,
    to: string,
    options: {
      readonly metadata: Partial<ObjectMetadata>;
      readonly partSize?: number | undefined;
      readonly mayWrite?: (() => Promise<void>) | undefined;
    },
  ): Promise<{ readonly etag: string }>;
  /**
   * The same bucket, read as it was at a time in the past: listings, objects, tags, and what is
   * copied from. Everything is written as it is now. Only for buckets that keep versions; of others
   * it shows what has not been written since.
   */
  asOf(time: Date): ObjectStore;
  /** Keys that are not there are not an error. */
  delete(keys: readonly string[]): Promise<void>;
}
