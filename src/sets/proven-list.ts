import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { BucketBackup } from '../backup/manifest.ts';
import { readObjectList, type ListedObject } from '../backup/buckets/object-list.ts';
import { CharmError, hasCode } from '../errors.ts';
import type { ObjectContent, ObjectStore } from '../world.ts';

/**
 * Reads a set's object list and proves at its end that it is the one that the manifest tells of. Rejects with `manifest-invalid` when it is
 * missing, damaged or another one; in the last case only after all its lines.
 */
export async function* openProvenList(
  store: ObjectStore,
  { key, size, sha256 }: BucketBackup['list'],
): AsyncGenerator<ListedObject> {
  const content = await open(store, key);
  const hash = createHash('sha256');
  let bytes = 0;
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    const chunks: AsyncIterable<Uint8Array> = content.body;
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  };
  try {
    const gzipped = Readable.from(pieces(), { objectMode: false });
    yield* readObjectList(gzipped, `${key} in ${store.description}`);
  } finally {
    content.body.destroy();
  }
  if (bytes === size && hash.digest('hex') === sha256) return;
  throw new CharmError(
    'manifest-invalid',
    `The object list ${key} in ${store.description} is not the one that its manifest tells of (${bytes} of ${size} bytes, and another checksum).`,
  );
}

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
