import { createReadStream } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CharmError, reasonOf } from '../../errors.ts';
import type { ObjectStore } from '../../world.ts';
import { splitLines } from './split-lines.ts';

/**
 * A line of a set's object list, `sets/<id>/<bucket>.ndjson.gz`: an object as the source had it when it was copied. The lines are in
 * the order of the keys' UTF-8 bytes, each key once.
 */
export interface ListedObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** The source's, without quotes. */
  readonly etag: string;
  /** ISO 8601, the source's. */
  readonly lastModified: string;
  /**
   * The ETag of the copy in the mirror, when it differs from the source's (other parts, or encrypted by a key service). What has this ETag
   * in the mirror, or lies under `history/<bucket>/<key>/<this ETag>`, are the bytes of this line; without it, `etag` says so.
   */
  readonly mirrorEtag?: string;
  /** Hex, of the whole content, where no ETag proves that the copy equals the source. */
  readonly sha256?: string;
}

/** Reads a set's object list from S3, in constant memory. Rejects with `manifest-invalid` when it is damaged. */
export async function* openObjectList(
  store: ObjectStore,
  key: string,
): AsyncGenerator<ListedObject> {
  const { body } = await store.get(key);
  try {
    yield* readObjectList(body, `${key} in ${store.description}`);
  } finally {
    body.destroy();
  }
}

/** Reads the gzipped lines of an object list. `name` is for messages. Destroys the stream when it is left early. */
export async function* readObjectList(
  gzipped: Readable,
  name: string,
): AsyncGenerator<ListedObject> {
  const damaged = (cause: unknown, line: number): CharmError =>
    new CharmError(
      'manifest-invalid',
      `The object list ${name} cannot be read after line ${line} (${reasonOf(cause)}). The set that it belongs to cannot be trusted.`,
      { cause },
    );
  let number = 0;
  const lines = splitLines(gunzip(gzipped));
  for (;;) {
    let next: IteratorResult<string>;
    try {
      next = await lines.next();
    } catch (error) {
      // What the store itself says about a broken connection tells more than that the gzip stream ended early.
      throw error instanceof CharmError ? error : damaged(error, number);
    }
    if (next.done) return;
    const object = parseLine(next.value);
    if (!object) throw damaged('it is not an object of the list', number);
    number += 1;
    yield object;
  }
}

/** Uploads an object list that a pass wrote to a scratch file. */
export const uploadObjectList = (
  store: ObjectStore,
  key: string,
  file: string,
): Promise<{ readonly etag: string; readonly size: number; readonly sha256: string }> =>
  store.upload(key, createReadStream(file), { metadata: { contentType: 'application/gzip' } });

const gunzip = (gzipped: Readable): Readable => {
  const unzipped = createGunzip();
  // The error reaches the reader through the last stream; nobody waits for this callback.
  pipeline(gzipped, unzipped, () => undefined);
  return unzipped;
};

const parseLine = (line: string): ListedObject | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  return isListedObject(value) ? value : undefined;
};

const isListedObject = (value: unknown): value is ListedObject =>
  typeof value === 'object' &&
  value !== null &&
  'key' in value &&
  typeof value.key === 'string' &&
  'size' in value &&
  Number.isSafeInteger(value.size) &&
  'etag' in value &&
  typeof value.etag === 'string' &&
  'lastModified' in value &&
  typeof value.lastModified === 'string' &&
  (!('mirrorEtag' in value) || typeof value.mirrorEtag === 'string') &&
  (!('sha256' in value) || typeof value.sha256 === 'string');
