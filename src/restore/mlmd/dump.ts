import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CharmError, reasonOf } from '../../errors.ts';
import type { ObjectStore } from '../../world.ts';

/** What a backup of ML Metadata turned out to be, without its packing. */
export interface Dump {
  /** SQL text, or a SQLite database as a file. */
  readonly kind: 'sql' | 'database';
  /** Fails at its end when the object was not the one that the manifest describes. */
  readonly content: AsyncIterable<Uint8Array>;
}

export interface StoredDump {
  readonly key: string;
  readonly size: number;
  /** Hex, of the object as it is stored. */
  readonly sha256: string;
}

const sqliteMagic = Buffer.from('SQLite format 3\0', 'latin1');
const gzipMagic = Buffer.of(0x1f, 0x8b);

/**
 * Opens a backup of ML Metadata and finds out what it is from its first bytes, because its name does not tell: the guide calls a raw copy of the
 * database `….dump.gz` too. Reads SQL text and databases, packed with gzip or not.
 */
export const openDump = async (
  store: ObjectStore,
  dump: StoredDump,
  signal: AbortSignal,
): Promise<Dump> => {
  const { body } = await store.get(dump.key, { signal });
  const stored = await peekable(checked(body, dump, store.description));
  const isPacked = stored.head.subarray(0, 2).equals(gzipMagic);
  const plain = isPacked ? await peekable(unpacked(stored.all, dump.key)) : stored;
  const isDatabase = plain.head.subarray(0, sqliteMagic.length).equals(sqliteMagic);
  return { kind: isDatabase ? 'database' : 'sql', content: plain.all };
};

/** Passes the object on, and rejects at its end unless it was the one that was backed up. */
async function* checked(
  body: Readable,
  { key, size, sha256 }: StoredDump,
  where: string,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let total = 0;
  const chunks: AsyncIterable<Uint8Array> = body;
  for await (const chunk of chunks) {
    hash.update(chunk);
    total += chunk.length;
    yield chunk;
  }
  if (total === size && hash.digest('hex') === sha256) return;
  throw new CharmError(
    'mlmd-corrupt',
    `${key} in ${where} is not the dump that was made: its size or its SHA-256 is not the manifest's. ML Metadata was not changed.`,
  );
}

async function* unpacked(
  packed: AsyncIterable<Uint8Array>,
  key: string,
): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip();
  const source = Readable.from(packed, { objectMode: false });
  let failure: Error | undefined;
  source.on('error', (error) => {
    failure = error;
    gunzip.destroy(error);
  });
  source.pipe(gunzip);
  try {
    const chunks: AsyncIterable<Uint8Array> = gunzip;
    yield* chunks;
  } catch (error) {
    if (failure !== undefined) throw failure;
    throw new CharmError(
      'mlmd-corrupt',
      `${key} cannot be unpacked: ${reasonOf(error)}. ML Metadata was not changed.`,
      { cause: error },
    );
  } finally {
    source.destroy();
  }
}

/** The first bytes of a stream, enough to tell what it is, and all of it. */
const peekable = async (
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ readonly head: Buffer; readonly all: AsyncIterable<Uint8Array> }> => {
  const iterator = chunks[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let length = 0;
  while (length < sqliteMagic.length) {
    const next = await iterator.next();
    if (next.done === true) break;
    first.push(next.value);
    length += next.value.length;
  }
  const head = Buffer.concat(first);
  return {
    head,
    all: (async function* () {
      try {
        if (head.length > 0) yield head;
        for (;;) {
          const next = await iterator.next();
          if (next.done === true) return;
          yield next.value;
        }
      } finally {
        await iterator.return?.();
      }
    })(),
  };
};
