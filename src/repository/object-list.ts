import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { CharmError, reasonOf } from '../errors.ts';
import { fileStream } from '../ports/file-stream.ts';
import type { ObjectMetadata, ObjectStore } from '../world.ts';
import { gunzipList } from './gunzip.ts';
import { linesOfKeys, longestLine, tooLong } from './lines-of-keys.ts';
import { isMetadata, isTexts } from './listed-metadata.ts';

/**
 * A line of a set's object list, `sets/<id>/<bucket>.ndjson.gz`: an object as the source had it
 * when it was copied. The lines are in the order of the keys' UTF-8 bytes, each key once.
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
   * The ETag of the copy in the mirror, when it differs from the source's (other parts, or
   * encrypted by a key service). The bytes of this line lie in the mirror under this ETag, or in
   * `history/<bucket>/<key>/<this ETag>`. When it is absent, both go by `etag`.
   */
  readonly mirrorEtag?: string;
  /** Hex, of the whole content. Present when no ETag proves that the copy equals the source. */
  readonly sha256?: string;
  /** Its tags, where the target keeps none. */
  readonly tags?: Readonly<Record<string, string>>;
  /** The source itself could not read its tags, so the copy has none. */
  readonly tagsUnreadable?: true;
  /**
   * What belongs to it besides its bytes. A later set may change that in the mirror under the same
   * ETag, so each list has its own. Absent from lists of earlier revisions.
   */
  readonly metadata?: Partial<ObjectMetadata>;
}

/**
 * The ETag that the bytes of a listed object have in the mirror, and the last part of their name in
 * the history.
 */
export const storedEtag = ({ etag, mirrorEtag }: ListedObject): string => mirrorEtag ?? etag;

/**
 * Reads a set's object list from S3, in constant memory; only what may have one of `keys` (see
 * `asBytes`), when they are given. Rejects with `manifest-invalid` when it is damaged.
 */
export async function* openObjectList(
  store: ObjectStore,
  key: string,
  keys?: ReadonlySet<string>,
): AsyncGenerator<ListedObject> {
  const { body } = await store.get(key);
  try {
    yield* readObjectList(body, `${key} in ${store.description}`, keys);
  } finally {
    body.destroy();
  }
}

/**
 * Reads the gzipped lines of an object list. `name` is for messages. Destroys the stream when it is
 * left early.
 */
export async function* readObjectList(
  gzipped: Readable,
  name: string,
  keys?: ReadonlySet<string>,
): AsyncGenerator<ListedObject> {
  const damaged = (cause: unknown, line: number): CharmError =>
    new CharmError(
      'manifest-invalid',
      `The object list ${name} cannot be read after line ${line} (${reasonOf(cause)}). The set that it belongs to cannot be trusted.`,
      { cause },
    );
  let number = 0;
  const unpacked = gunzipList(gzipped);
  const lines = keys
    ? linesOfKeys(unpacked, keys, (passed) => {
        number += passed;
      })
    : splitLines(unpacked);
  for (;;) {
    let next: IteratorResult<string>;
    try {
      next = await lines.next();
    } catch (error) {
      // The store's own error about a broken connection says more than that the gzip stream ended
      // early.
      throw error instanceof CharmError ? error : damaged(error, number);
    }
    if (next.done) return;
    const object = parseLine(next.value);
    if (!object) throw damaged('it is not an object of the list', number);
    number += 1;
    yield object;
  }
}

/** The same for a list on our own disk, which is opened when its first line is asked for. */
export async function* readListFile(path: string, name: string): AsyncGenerator<ListedObject> {
  yield* readObjectList(fileStream(path), name);
}

/** Uploads an object list that a pass wrote to a scratch file. */
export const uploadObjectList = (
  store: ObjectStore,
  key: string,
  file: string,
): Promise<{ readonly etag: string; readonly size: number; readonly sha256: string }> =>
  store.upload(key, fileStream(file), { metadata: { contentType: 'application/gzip' } });

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
  (!('sha256' in value) || typeof value.sha256 === 'string') &&
  (!('tags' in value) || isTexts(value.tags)) &&
  (!('tagsUnreadable' in value) || value.tagsUnreadable === true) &&
  (!('metadata' in value) || isMetadata(value.metadata));

/**
 * The lines of a UTF-8 stream without their ends, in constant memory; the last one may lack its
 * end. Rejects when a line is longer than an object list can have.
 */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of chunks) {
    const lines = `${rest}${decoder.write(chunk)}`.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > longestLine || lines.some((line) => line.length > longestLine))
      throw tooLong();
    yield* lines;
  }
  if (rest !== '') yield rest;
}
