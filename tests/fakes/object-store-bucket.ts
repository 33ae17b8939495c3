import { randomUUID } from 'node:crypto';
import { CharmError } from '../../src/errors.ts';
import type { ObjectMetadata, PutOptions, StoredObject } from '../../src/world.ts';
import { etagOfParts, md5Of } from '../../src/ports/etags.ts';

export interface FakeObject extends StoredObject {
  readonly bytes: Buffer;
  readonly metadata: ObjectMetadata;
}

interface FakeUpload {
  readonly key: string;
  readonly metadata: Partial<ObjectMetadata>;
  readonly initiated: Date;
  readonly parts: Map<number, Buffer>;
}

/** What was under a key from a time on. */
interface FakeVersion {
  readonly key: string;
  readonly object: FakeObject | undefined;
  readonly time: Date;
}

export const leastPart = 5 * 2 ** 20;

/** What a bucket holds, and a server's rules for it. */
export class FakeBucket {
  readonly uploads = new Map<string, FakeUpload>();
  readonly #objects = new Map<string, FakeObject>();
  readonly #now: () => Date;
  readonly #description: string;
  /** The oldest first; empty while the bucket keeps no versions. */
  readonly #versions: FakeVersion[] = [];
  keepsVersions = false;
  #sorted: readonly FakeObject[] | undefined;

  constructor(now: () => Date, description: string) {
    this.#now = now;
    this.#description = description;
  }

  find(key: string): FakeObject | undefined {
    return this.#objects.get(key);
  }

  get(key: string): FakeObject {
    const found = this.#objects.get(key);
    if (!found)
      throw new CharmError('object-missing', `There is no ${key} in ${this.#description}.`);
    return found;
  }

  /** In the order of the keys' UTF-8 bytes. */
  after(prefix: string, startAfter: string): readonly FakeObject[] {
    this.#sorted ??= [...this.#objects.values()].sort((a, b) => order(a.key, b.key));
    return this.#sorted.filter(
      ({ key }) => key.startsWith(prefix) && (startAfter === '' || order(key, startAfter) > 0),
    );
  }

  store(
    key: string,
    bytes: Buffer,
    metadata: Partial<ObjectMetadata> = {},
    partMd5s?: readonly string[],
  ): FakeObject {
    this.checkKey(key);
    const object: FakeObject = {
      key,
      bytes: Buffer.from(bytes),
      size: bytes.length,
      etag: partMd5s ? etagOfParts(partMd5s) : md5Of(bytes),
      lastModified: this.#now(),
      metadata: { ...metadata, user: { ...metadata.user }, tags: { ...metadata.tags } },
    };
    this.#objects.set(key, object);
    this.#sorted = undefined;
    if (this.keepsVersions) this.#versions.push({ key, object, time: object.lastModified });
    return object;
  }

  /** What there was at a time. */
  asOf(time: Date): FakeBucket {
    const past = new FakeBucket(() => time, this.#description);
    for (const version of this.#versions) {
      if (version.time > time) continue;
      if (version.object) past.#objects.set(version.key, version.object);
      else past.#objects.delete(version.key);
    }
    return past;
  }

  remove(key: string): void {
    if (this.keepsVersions) this.#versions.push({ key, object: undefined, time: this.#now() });
    this.#objects.delete(key);
    this.#sorted = undefined;
  }

  startUpload(key: string, metadata: Partial<ObjectMetadata>): string {
    const id = randomUUID();
    this.uploads.set(id, { key, metadata, initiated: this.#now(), parts: new Map() });
    return id;
  }

  storePart(id: string, part: number, bytes: Buffer): string {
    if (!Number.isInteger(part) || part < 1 || part > 10_000) throw this.refused('InvalidArgument');
    this.#upload(id).parts.set(part, bytes);
    return md5Of(bytes);
  }

  completeUpload(id: string): FakeObject {
    const { key, metadata, parts } = this.#upload(id);
    const inOrder = [...parts].sort(([a], [b]) => a - b).map(([, bytes]) => bytes);
    if (inOrder.length === 0) throw this.refused('MalformedXML');
    if (inOrder.slice(0, -1).some((bytes) => bytes.length < leastPart))
      throw this.refused('EntityTooSmall');
    this.uploads.delete(id);
    return this.store(key, Buffer.concat(inOrder), metadata, inOrder.map(md5Of));
  }

  /** S3: 1 to 1024 bytes of UTF-8. */
  checkKey(key: string): void {
    if (key === '' || !key.isWellFormed()) throw this.refused('InvalidObjectName');
    if (Buffer.byteLength(key) > 1024) throw this.refused('KeyTooLongError');
  }

  checkMd5(key: string, bytes: Uint8Array, expected: string | undefined): void {
    if (expected !== undefined && expected !== md5Of(bytes))
      throw new CharmError('store-corrupt', `The ${this.#description} refused ${key}: BadDigest.`);
  }

  checkConditions(key: string, { ifAbsent, ifMatch }: PutOptions): void {
    const found = this.#objects.get(key);
    if (ifAbsent && found)
      throw new CharmError('object-exists', `The ${this.#description} already has ${key}.`);
    if (ifMatch !== undefined && ifMatch !== found?.etag) throw this.changed(key);
  }

  changed(key: string): CharmError {
    return new CharmError('object-changed', `${key} in ${this.#description} has changed.`);
  }

  refused(code: string): CharmError {
    return new CharmError('store-refused', `The ${this.#description} answered 400 ${code}.`);
  }

  #upload(id: string): FakeUpload {
    const upload = this.uploads.get(id);
    if (!upload) throw this.refused('NoSuchUpload');
    return upload;
  }
}

const order = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
