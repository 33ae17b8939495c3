import type { Readable } from 'node:stream';

/** By lower-case name. */
export type S3Headers = Readonly<Record<string, string>>;

/** What is told to the server, and how long it may take to reply. */
interface S3Message {
  /** Values may be any text and are sent as UTF-8. */
  readonly headers?: S3Headers;
  /** A stream can be sent once only, and needs `size`. */
  readonly body?: Uint8Array | Readable;
  readonly size?: number;
  readonly signal?: AbortSignal;
  /** The server may take long before it replies. */
  readonly slow?: boolean;
  /**
   * Says that we take gzip. Google unpacks objects that are stored as gzip for clients that do not.
   */
  readonly packed?: boolean;
}

export interface S3Request extends S3Message {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** What the request is for, for messages, as the end of "could not …". */
  readonly doing: string;
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
}

/** A request whose path is known already, as AWS's SDK makes them. */
export interface S3RawRequest extends S3Message {
  readonly method: string;
  /** Encoded. */
  readonly path: string;
  /** Not encoded. */
  readonly query: Readonly<Record<string, string>>;
}
