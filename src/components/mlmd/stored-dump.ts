import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { CharmError, reasonOf } from '../../errors.ts';
import type { ObjectStore } from '../../world.ts';
import { sqlStatements } from './sql-statements.ts';
import { checkIntegrity, countRows, loadDatabase } from './sqlite-load.ts';

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

export type RowCounts = Readonly<Record<string, number>>;

/** What a restored database turned out to be. */
export interface Inspection {
  /** `ok`, or what SQLite finds wrong. */
  readonly integrity: string;
  readonly rows: RowCounts;
}

/** Makes a database file of a dump, on our own disk, and looks at it. Rejects with `mlmd-corrupt` when the dump is no good. */
export const buildDatabase = async (dump: Dump, file: string): Promise<Inspection> => {
  try {
    using database = await open(dump, file);
    const damage = await checkIntegrity(database);
    return { integrity: damage.join('; ') || 'ok', rows: await countRows(database) };
  } catch (error) {
    if (error instanceof CharmError) throw error;
    const reason = reasonOf(error);
    const isFull = /full|ENOSPC|disk I\/O/.test(reason);
    throw new CharmError(
      isFull ? 'disk-full' : 'mlmd-corrupt',
      `The database of ML Metadata cannot be built from its dump: ${reason}. ML Metadata was not changed.` +
        (isFull ? ` Make room on the disk of the charm's container.` : ''),
      { cause: error },
    );
  }
};

const open = async (dump: Dump, file: string): Promise<DatabaseSync> => {
  if (dump.kind === 'sql') return loadDatabase(file, sqlStatements(dump.content));
  await pipeline(dump.content, createWriteStream(file));
  return new DatabaseSync(file, { readOnly: true });
};

/** Rejects with `mlmd-corrupt` unless a restored database is sound and has the rows that were backed up. */
export const assertRestored = ({ integrity, rows }: Inspection, expected: RowCounts): void => {
  if (integrity !== 'ok') {
    throw new CharmError(
      'mlmd-corrupt',
      `The restored database is damaged: ${integrity}. ML Metadata was not changed.`,
    );
  }
  const wrong = Object.entries(expected).find(([table, count]) => rows[table] !== count);
  if (wrong === undefined) return;
  const [table, count] = wrong;
  throw new CharmError(
    'mlmd-corrupt',
    `The restored table ${table} has ${String(rows[table] ?? 'no')} rows, and ${count} were backed up. ML Metadata was not changed.`,
  );
};
