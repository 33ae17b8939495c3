import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { S3Bucket, S3Object, S3Part } from './bucket.ts';
import type { S3Buckets } from './buckets.ts';
import { etagOfParts } from '../../../src/ports/etags.ts';

export interface S3NewObject {
  readonly key: string;
  /** Bytes, or a generator of them for what should not be in memory at once. */
  readonly content: Uint8Array | string | Iterable<Uint8Array>;
  readonly contentType?: string;
  /** `content-encoding` and the like, and `x-amz-meta-*`, by lower-case name. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
  readonly lastModified?: Date;
  /** Stored as an upload in parts of this size would have been. */
  readonly partSize?: number;
}

/** Direct access to what a server stores, without HTTP and without its rules. */
export class S3Contents {
  readonly #buckets: S3Buckets;
  readonly #now: () => Date;

  constructor(buckets: S3Buckets, now: () => Date) {
    this.#buckets = buckets;
    this.#now = now;
  }

  bucket(name: string): S3Bucket {
    return this.#buckets.create(name);
  }

  /** In S3's order. */
  keys(bucket: string, prefix = ''): readonly string[] {
    return this.objects(bucket)
      .map(({ key }) => key)
      .filter((key) => key.startsWith(prefix));
  }

  objects(bucket: string): readonly S3Object[] {
    return [...this.#buckets.find(bucket).from('')];
  }

  object(bucket: string, key: string): S3Object | undefined {
    return this.#buckets.find(bucket).get(key);
  }

  read(bucket: string, key: string): Buffer {
    const found = this.#buckets.find(bucket);
    const object = found.get(key);
    if (!object) throw new Error(`no ${key} in ${bucket}`);
    return Buffer.concat(object.files.map(({ file }) => readFileSync(found.pathOf(file))));
  }

  /** Moves objects to an archive class, as a rule of the bucket's lifecycle does. */
  archive(bucket: string, prefix: string, storageClass = 'GLACIER'): void {
    const headers = { 'x-amz-storage-class': storageClass };
    for (const object of this.objects(bucket))
      if (object.key.startsWith(prefix))
        this.#buckets.find(bucket).put({ ...object, headers: { ...object.headers, ...headers } });
  }

  /** As if it had been written so many milliseconds earlier. */
  age(bucket: string, key: string, milliseconds: number): void {
    const found = this.object(bucket, key);
    if (found === undefined) return;
    const lastModified = found.lastModified - milliseconds;
    this.#buckets.find(bucket).alter({ ...found, lastModified });
  }

  put(bucket: string, ...objects: readonly S3NewObject[]): void {
    const found = this.#buckets.create(bucket);
    found.putAll(objects.map((object) => stored(found, object, this.#now())));
  }

  remove(bucket: string, key: string): void {
    this.#buckets.find(bucket).remove(key, this.#now());
  }
}

const stored = (bucket: S3Bucket, object: S3NewObject, now: Date): S3Object => {
  const { key, content, partSize, headers = {} } = object;
  const pieces =
    typeof content === 'string' || content instanceof Uint8Array ? [Buffer.from(content)] : content;
  const files = save(bucket, pieces, partSize ?? Infinity);
  return {
    key,
    etag: partSize === undefined ? files[0]!.etag : etagOfParts(files.map(({ etag }) => etag)),
    size: files.reduce((sum, { size }) => sum + size, 0),
    lastModified: (object.lastModified ?? now).getTime(),
    headers: {
      'content-type': object.contentType ?? 'binary/octet-stream',
      // Kept as the bytes of a header are: one character for each.
      ...Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [
          name,
          Buffer.from(value).toString('latin1'),
        ]),
      ),
    },
    tags: object.tags ?? {},
    files: files.map(({ file, size }) => ({ file, size })),
  };
};

/** Writes files of `partSize`, the last one shorter; at least one. */
const save = (
  bucket: S3Bucket,
  pieces: Iterable<Uint8Array>,
  partSize: number,
): readonly S3Part[] => {
  const parts: S3Part[] = [];
  let open = newPart(bucket);
  for (const piece of pieces)
    for (let at = 0; at < piece.length;) {
      if (open.size === partSize) {
        parts.push(open.close());
        open = newPart(bucket);
      }
      const bytes = piece.subarray(at, at + Math.min(piece.length - at, partSize - open.size));
      open.write(bytes);
      at += bytes.length;
    }
  parts.push(open.close());
  return parts;
};

const newPart = (bucket: S3Bucket) => {
  const file = bucket.newFile();
  const descriptor = openSync(bucket.pathOf(file), 'w');
  const md5 = createHash('md5');
  let size = 0;
  return {
    get size(): number {
      return size;
    },
    write: (bytes: Uint8Array): void => {
      writeSync(descriptor, bytes);
      md5.update(bytes);
      size += bytes.length;
    },
    close: (): S3Part => {
      closeSync(descriptor);
      return { file, size, etag: md5.digest('hex') };
    },
  };
};
