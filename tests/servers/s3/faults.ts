/** What goes wrong with a request, when it does. */
export type S3FaultAction =
  /**
   * This status instead of the operation; 200 gives an error inside a reply of 200, as S3 has it
   * for slow operations.
   */
  | {
      readonly answer: number;
      readonly code?: string;
      readonly message?: string;
      readonly retryAfter?: number;
      readonly location?: string;
    }
  /**
   * The connection is reset: at once, halfway through the request's body, or when the operation is
   * done.
   */
  | { readonly reset: 'before' | 'during' | 'after' }
  /** Only so many bytes of the reply's body, then the connection ends. */
  | { readonly truncate: number }
  /** Bodies go this slow, both ways. */
  | { readonly bytesPerSecond: number }
  /** Silence: before the reply, or halfway through its body. */
  | { readonly stall: 'reply' | 'body' }
  /** Another ETag in the reply. */
  | { readonly etag: string }
  /** Added to the Content-Length of the reply. */
  | { readonly length: number }
  /** One bit of the content is turned over, on its way in or out. */
  | { readonly flip: true };

export interface S3Fault {
  /** As AWS names it: `PutObject`; any unless given. */
  readonly operation?: string | RegExp;
  readonly bucket?: string;
  readonly key?: string | RegExp;
  /** The first matching request that fails, from 1. */
  readonly nth?: number;
  /** How many fail from then on: 1 unless given, Infinity for all. */
  readonly times?: number;
  readonly fault: S3FaultAction;
}

export interface S3RequestNote {
  readonly method: string;
  readonly operation: string;
  readonly bucket: string;
  readonly key: string;
}

/**
 * Called when a request has come, which it may drop before anything is done, and when the reply has
 * been sent.
 */
export type S3Observer = (request: S3RequestNote, when: 'before' | 'after') => 'drop' | undefined;

/** The faults that a server was told, and how often each has matched. */
export class S3Faults {
  #planned: readonly { readonly plan: S3Fault; seen: number }[] = [];

  add(plan: S3Fault): void {
    this.#planned = [...this.#planned, { plan, seen: 0 }];
  }

  clear(): void {
    this.#planned = [];
  }

  /** The fault of this request; counts it. */
  take(request: S3RequestNote): S3FaultAction | undefined {
    let found: S3FaultAction | undefined;
    for (const entry of this.#planned) {
      if (!fits(entry.plan, request)) continue;
      entry.seen += 1;
      const { nth = 1, times = 1 } = entry.plan;
      if (entry.seen >= nth && entry.seen < nth + times) found ??= entry.plan.fault;
    }
    return found;
  }
}

const fits = (plan: S3Fault, { operation, bucket, key }: S3RequestNote): boolean =>
  matches(plan.operation, operation) && matches(plan.bucket, bucket) && matches(plan.key, key);

const matches = (pattern: string | RegExp | undefined, text: string): boolean =>
  pattern === undefined || (typeof pattern === 'string' ? pattern === text : pattern.test(text));
