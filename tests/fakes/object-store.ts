import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { CharmError } from '../../src/errors.ts';
import type {
  CopyOrigin,
  KeyRange,
  ObjectContent,
  ObjectMetadata,
  ObjectStore,
  Protection,
  PartUpload,
  PutOptions,
  StoredObject,
} from '../../src/world.ts';
import { FakeBucket, type FakeObject, leastPart } from './object-store-bucket.ts';
import { allOf, exactly, pieces } from './object-store-bytes.ts';
import { md5Of } from '../../src/ports/etags.ts';
import { FakeFailures, type FakeMethod } from './object-store-failures.ts';
import { fakePartUpload } from './object-store-parts.ts';
import { FakeObjectServer } from './object-store-server.ts';

const partSize = 8 * 2 ** 20;

/**
 * A bucket in memory that keeps every promise of the port and is as strict as a server: UTF-8 byte
 * order, MD5 ETags, md5-of-md5s for parts, conditions, 5 MiB parts, whole seconds from `head` and
 * `get`. Look into it with `objects`.
 */
export class FakeObjectStore implements ObjectStore {
  readonly description: string;
  bucket: FakeBucket;
  readonly #failures = new FakeFailures();
  readonly #server: FakeObjectServer;
  readonly #name: string;

  constructor(
    options: {
      readonly description?: string;
      readonly now?: () => Date;
      /** Its own one unless given. */
      readonly server?: FakeObjectServer;
    } = {},
  ) {
    this.#server = options.server ?? new FakeObjectServer();
    this.#name = this.#server.add(this);
    this.description = options.description ?? 'bucket fake at http://fake.test';
    this.bucket = new FakeBucket(options.now ?? (() => new Date()), this.description);
  }

  /** Everything that is stored, in the order of a listing. */
  get objects(): ReadonlyMap<string, FakeObject> {
    return new Map(this.bucket.after('', '').map((found) => [found.key, found]));
  }

  /** Stores an object as somebody else would have. */
  seed(
    key: string,
    bytes: Uint8Array | string,
    metadata: Partial<ObjectMetadata> = {},
  ): FakeObject {
    return this.bucket.store(key, Buffer.from(bytes), metadata);
  }

  /**
   * The next call of `method` (or the next `times` calls) rejects with `error`; a `body` breaks off
   * halfway.
   */
  failNext(method: FakeMethod, error: Error, times = 1): void {
    this.#failures.add(method, error, times);
  }

  async link(key: string, seconds: number): Promise<string> {
    return `http://fake.test/${encodeURIComponent(key)}?seconds=${seconds}`;
  }

  async probe(): Promise<void> {
    this.#failures.mayFail('probe');
  }

  /** What `bucketNames` says. */
  buckets: readonly string[] = [];

  async bucketNames(): Promise<readonly string[]> {
    this.#failures.mayFail('bucketNames');
    return this.buckets;
  }

  /** Until when objects are locked. In a bucket that keeps no versions they cannot be deleted. */
  readonly locks = new Map<string, Date>();
  /** What `protection` tells. */
  protectedBy: Protection = { versioning: 'off', lock: { kind: 'off' }, mayDelete: 'yes' };

  async protection(): Promise<Protection> {
    this.#failures.mayFail('protection');
    return this.protectedBy;
  }

  async objectLock(): Promise<Protection['lock']> {
    return (await this.protection()).lock;
  }

  async *list(
    prefix: string,
    { startAfter = '', upTo }: KeyRange = {},
  ): AsyncGenerator<StoredObject> {
    let last = startAfter;
    for (;;) {
      this.#failures.mayFail('list');
      const page = this.bucket.after(prefix, last).slice(0, 1000);
      for (const { key, size, etag, lastModified } of page) {
        if (upTo !== undefined && Buffer.compare(Buffer.from(key), Buffer.from(upTo)) > 0) return;
        yield { key, size, etag, lastModified };
      }
      if (page.length < 1000) return;
      last = page.at(-1)!.key;
    }
  }

  async thaw(key: string): Promise<'readable'> {
    this.bucket.get(key);
    return 'readable';
  }

  async *listPrefixes(prefix: string): AsyncGenerator<string> {
    this.#failures.mayFail('listPrefixes');
    const found = this.bucket.after(prefix, '').flatMap(({ key }) => {
      const slash = key.indexOf('/', prefix.length);
      return slash < 0 ? [] : [key.slice(0, slash + 1)];
    });
    yield* new Set(found);
  }

  async head(key: string): ReturnType<ObjectStore['head']> {
    this.#failures.mayFail('head');
    const found = this.bucket.find(key);
    const lockedUntil = this.locks.get(key);
    return found && { ...described(found), ...(lockedUntil && { lockedUntil }) };
  }

  async get(key: string, options: Parameters<ObjectStore['get']>[1] = {}): Promise<ObjectContent> {
    this.#failures.mayFail('get');
    options.signal?.throwIfAborted();
    const found = this.bucket.get(key);
    if (options.etag !== undefined && options.etag !== found.etag) throw this.bucket.changed(key);
    const { start, end } = options.range ?? { start: 0, end: found.size };
    if (options.range && (start >= found.size || end < start))
      throw this.bucket.refused('InvalidRange');
    const body = Readable.from(
      pieces(found.bytes.subarray(start, end + 1), this.#failures.take('body')),
      {
        objectMode: false,
        ...(options.signal && { signal: options.signal }),
      },
    );
    return { ...described(found), tagCount: Object.keys(found.metadata.tags).length, body };
  }

  async fetch(
    key: string,
    options: { readonly etag?: string } = {},
  ): ReturnType<ObjectStore['fetch']> {
    const { body, ...content } = await this.get(key, options);
    return { ...content, bytes: await allOf(body) };
  }

  async read(key: string): Promise<Buffer> {
    this.#failures.mayFail('read');
    return Buffer.from(this.bucket.get(key).bytes);
  }

  async tags(key: string): Promise<Readonly<Record<string, string>>> {
    this.#failures.mayFail('tags');
    return { ...this.bucket.get(key).metadata.tags };
  }

  async put(
    key: string,
    body: Uint8Array | string | Readable,
    options: PutOptions & { readonly size?: number } = {},
  ): Promise<{ readonly etag: string }> {
    this.#failures.mayFail('put');
    this.bucket.checkKey(key);
    const size = body instanceof Readable ? (options.size ?? NaN) : Buffer.byteLength(body);
    const bytes = await exactly(body, size, `writing ${key}`);
    options.signal?.throwIfAborted();
    this.bucket.checkMd5(key, bytes, options.md5);
    this.bucket.checkConditions(key, options);
    return { etag: this.bucket.store(key, bytes, options.metadata).etag };
  }

  async upload(
    key: string,
    body: Readable,
    options: PutOptions = {},
  ): Promise<{ readonly etag: string; readonly size: number; readonly sha256: string }> {
    this.#failures.mayFail('upload');
    this.bucket.checkKey(key);
    const bytes = await allOf(body);
    options.signal?.throwIfAborted();
    this.bucket.checkConditions(key, options);
    const parts = partsOf(bytes, partSize);
    const md5s = parts.length > 1 ? parts.map(md5Of) : undefined;
    const { etag } = this.bucket.store(key, bytes, options.metadata, md5s);
    return { etag, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  }

  async startParts(key: string, metadata: Partial<ObjectMetadata>): Promise<PartUpload> {
    this.#failures.mayFail('startParts');
    this.bucket.checkKey(key);
    return fakePartUpload(this.bucket, key, metadata, this.#failures);
  }

  async *unfinishedUploads(
    prefix: string,
  ): AsyncGenerator<{ readonly key: string; readonly uploadId: string; readonly initiated: Date }> {
    this.#failures.mayFail('unfinishedUploads');
    for (const [uploadId, { key, initiated }] of [...this.bucket.uploads])
      if (key.startsWith(prefix)) yield { key, uploadId, initiated };
  }

  async abortUpload(_key: string, uploadId: string): Promise<void> {
    this.#failures.mayFail('abortUpload');
    this.bucket.uploads.delete(uploadId);
  }

  async copy(from: string, to: string, etag: string): Promise<void> {
    this.#failures.mayFail('copy');
    this.bucket.checkKey(to);
    const found = this.bucket.get(from);
    if (found.etag !== etag) throw this.bucket.changed(from);
    this.bucket.store(to, found.bytes, found.metadata);
  }

  origin({ key, etag }: Pick<StoredObject, 'key' | 'etag'>): CopyOrigin {
    return { server: this.#server.url, bucket: this.#name, key, etag };
  }

  async copyFrom(
    origin: Parameters<ObjectStore['copyFrom']>[0],
    to: string,
    { metadata, partSize, mayWrite }: Parameters<ObjectStore['copyFrom']>[2],
  ): Promise<{ readonly etag: string }> {
    this.#failures.mayFail('copyFrom');
    this.bucket.checkKey(to);
    const from = this.#server.find(origin.bucket);
    if (from === undefined)
      throw new CharmError('store-bucket-missing', `There is no bucket ${origin.bucket}.`);
    const { bytes, etag } = from.bucket.get(origin.key);
    if (etag !== origin.etag) throw this.bucket.changed(origin.key);
    if (partSize !== undefined) {
      if (bytes.length > partSize && partSize < leastPart)
        throw this.bucket.refused('EntityTooSmall');
      await mayWrite?.();
    }
    const md5s = partSize === undefined ? undefined : partsOf(bytes, partSize).map(md5Of);
    return { etag: this.bucket.store(to, bytes, metadata, md5s).etag };
  }

  asOf(time: Date): ObjectStore {
    const past = new FakeObjectStore({ description: this.description });
    past.bucket = this.bucket.asOf(time);
    const read = ['list', 'listPrefixes', 'head', 'get', 'fetch', 'read', 'tags'] as const;
    const copy: ObjectStore['copy'] = async (from, to, etag) => {
      const found = past.bucket.get(from);
      if (found.etag !== etag) throw past.bucket.changed(from);
      this.bucket.store(to, found.bytes, found.metadata);
    };
    return new Proxy<ObjectStore>(this, {
      get: (_present, name) => {
        if (name === 'copy') return copy;
        const from = read.some((one) => one === name) ? past : this;
        const member: unknown = Reflect.get(from, name, from);
        return typeof member === 'function' ? (member.bind(from) as unknown) : member;
      },
    });
  }

  async delete(keys: readonly string[]): Promise<void> {
    this.#failures.mayFail('delete');
    const refused = keys.filter(
      (key) => this.locks.has(key) && this.protectedBy.versioning !== 'on',
    );
    for (const key of keys) if (!refused.includes(key)) this.bucket.remove(key);
    if (refused.length > 0)
      throw new CharmError(
        'store-denied',
        `The ${this.description} refused to delete ${refused.join()}.`,
      );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#failures.clear();
  }
}

const partsOf = (bytes: Buffer, size: number): readonly Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );

/** As the headers of a reply tell it: whole seconds, and the tags only counted. */
const described = (
  found: FakeObject,
): StoredObject & {
  readonly metadata: ObjectMetadata;
} => ({
  key: found.key,
  size: found.size,
  etag: found.etag,
  lastModified: new Date(Math.floor(found.lastModified.getTime() / 1000) * 1000),
  metadata: { ...found.metadata, tags: {} },
});
