import { createHash } from 'node:crypto';
import { open as openFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { CharmError, hasCode } from '../errors.ts';
import type { ObjectContent, ObjectStore } from '../world.ts';
import type { BucketBackup } from './manifest.ts';
import { type ListedObject, readObjectList } from './object-list.ts';
import { unwritable } from './object-list-writer.ts';

/**
 * Reads a set's object list, and checks at its end that its size and checksum are those in the
 * manifest. Rejects with `manifest-invalid` when it is missing, damaged, or another one; the latter
 * is known only after its last line. Yields only what may have one of `keys` (see `asBytes`), when
 * they are given.
 */
export async function* openCheckedList(
  store: ObjectStore,
  list: BucketBackup['list'],
  keys?: ReadonlySet<string>,
): AsyncGenerator<ListedObject> {
  const content = await open(store, list.key);
  const proof = createProof(store, list);
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    const chunks: AsyncIterable<Uint8Array> = content.body;
    for await (const chunk of chunks) {
      proof.add(chunk);
      yield chunk;
    }
  };
  try {
    const gzipped = Readable.from(pieces(), { objectMode: false });
    yield* readObjectList(gzipped, `${list.key} in ${store.description}`, keys);
  } finally {
    content.body.destroy();
  }
  proof.check();
}

/**
 * Downloads a set's object list to the disk, and checks it before a line of it is used. Rejects
 * with `manifest-invalid` when it is missing or another one, and with `disk-full`. Returns when S3
 * got it.
 */
export const downloadObjectList = async (
  store: ObjectStore,
  list: BucketBackup['list'],
  path: string,
): Promise<Date> => {
  const { body, lastModified } = await open(store, list.key);
  const proof = createProof(store, list);
  try {
    await using file = await openFile(path, 'w');
    const chunks: AsyncIterable<Uint8Array> = body;
    for await (const chunk of chunks) {
      proof.add(chunk);
      await file.write(chunk).catch((error: unknown) => {
        throw unwritable(path, error);
      });
    }
  } finally {
    body.destroy();
  }
  proof.check();
  return lastModified;
};

/** Compares what was read with the size and checksum in the manifest. */
const createProof = (
  { description }: ObjectStore,
  { key, size, sha256 }: BucketBackup['list'],
): { add(chunk: Uint8Array): void; check(): void } => {
  const hash = createHash('sha256');
  let bytes = 0;
  return {
    add: (chunk) => {
      hash.update(chunk);
      bytes += chunk.length;
    },
    check: () => {
      if (bytes === size && hash.digest('hex') === sha256) return;
      throw new CharmError(
        'manifest-invalid',
        `The object list ${key} in ${description} is not the one that its manifest names (${bytes} of ${size} bytes, and another checksum).`,
      );
    },
  };
};

const open = async (store: ObjectStore, key: string): Promise<ObjectContent> => {
  try {
    return await store.get(key);
  } catch (error) {
    if (!hasCode(error, 'object-missing')) throw error;
    throw new CharmError(
      'manifest-invalid',
      `The object list ${key} is missing in ${store.description}.`,
      { cause: error },
    );
  }
};
