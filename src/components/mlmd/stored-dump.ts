import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CharmError } from '../../errors.ts';
import type { MlmdBackup } from '../../repository/manifest.ts';
import { sizeText } from '../../text.ts';
import type { ObjectStore } from '../../world.ts';
import type { DatabaseContent } from './inspect-database.ts';
import { buildDatabase } from './sqlite-thread.ts';

/** A dump in S3, and what its manifest says of it. */
export type StoredDump = Omit<MlmdBackup, 'application' | 'way' | 'seconds'>;

export interface RebuildWorld {
  readonly store: ObjectStore;
  readonly signal: AbortSignal;
}

export type Rebuilt =
  | { readonly kind: 'same'; readonly file: string }
  /** `why` can follow a colon. */
  | { readonly kind: 'damaged'; readonly why: string };

/** Bytes of memory that SQLite may use while it builds. */
const memoryBytes = 256 * 2 ** 20;
/** Bytes that stay free on our disk. */
const reserve = 64 * 2 ** 20;
/** Ten minutes, and a second for each 16 KiB of the object: many times more than needed. */
const patienceFor = (size: number): number => 600 + Math.ceil(size / 2 ** 14);

/**
 * Builds a database in `folder` from a dump in S3, and compares it with what was backed up: first
 * size and SHA-256 of the object, then tables, rows, content and schema version. The object is not
 * trusted. Rejects with `disk-full`, an error of the store, or the signal's reason. The caller
 * removes the folder.
 */
export const rebuildDatabase = async (
  { store, signal }: RebuildWorld,
  stored: StoredDump,
  folder: string,
): Promise<Rebuilt> => {
  const dump = join(folder, 'dump.gz');
  const file = join(folder, 'mlmd.db');
  await assertRoom(folder, stored.size);
  const difference = await fetchDump(store, stored, dump, signal);
  if (difference !== undefined) return { kind: 'damaged', why: difference };
  const fileBytes = Math.max(0, (await freeBytes(folder)) - reserve);
  const outcome = await buildDatabase(
    { dump, file, limits: { fileBytes, memoryBytes } },
    { seconds: patienceFor(stored.size), signal },
  );
  await rm(dump, { force: true });
  if (outcome.kind === 'full') throw diskFull(`it needs more than ${sizeText(fileBytes)}`);
  if (outcome.kind === 'refused') return { kind: 'damaged', why: outcome.why };
  const found = compareContent(outcome.content, stored);
  return found === undefined ? { kind: 'same', file } : { kind: 'damaged', why: found };
};

/** What differs between the object and its manifest; undefined when nothing does. */
const fetchDump = async (
  store: ObjectStore,
  { key, size, sha256 }: StoredDump,
  file: string,
  signal: AbortSignal,
): Promise<string | undefined> => {
  const object = await store.get(key, { signal });
  const hash = createHash('sha256');
  let total = 0;
  const measured = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      total += chunk.length;
      if (total > size) return;
      hash.update(chunk);
      yield chunk;
    }
  };
  try {
    await pipeline(object.body, measured, createWriteStream(file), { signal });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC')
      throw diskFull(`the object has ${sizeText(size)}`, error);
    throw error;
  }
  if (total > size) return `it has more than the ${size} bytes that were written`;
  if (total < size) return `it has ${total} bytes, and ${size} were written`;
  if (hash.digest('hex') === sha256) return undefined;
  return 'its SHA-256 is not that of the bytes that were written';
};

const compareContent = (
  { rows, digests, schemaVersion }: DatabaseContent,
  stored: StoredDump,
): string | undefined => {
  const tables = new Set([...Object.keys(rows), ...Object.keys(stored.rows)]);
  const other = [...tables].find((table) => rows[table] !== stored.rows[table]);
  if (other !== undefined) {
    const [is, was] = [rows[other] ?? 'no', stored.rows[other] ?? 'none'];
    return `the table ${other} has ${is} rows, and ${was} were backed up`;
  }
  const changed = Object.entries(stored.digests ?? {}).find(([name, hex]) => digests[name] !== hex);
  if (changed !== undefined)
    return `the table ${changed[0]} has as many rows as were backed up, but other content`;
  if (schemaVersion === stored.schemaVersion) return undefined;
  return `its schema version is ${schemaVersion ?? 'missing'}, not ${stored.schemaVersion}`;
};

const freeBytes = async (folder: string): Promise<number> => {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
};

const assertRoom = async (folder: string, size: number): Promise<void> => {
  const free = await freeBytes(folder);
  if (free < size + reserve)
    throw diskFull(`its object alone has ${sizeText(size)}, and ${sizeText(free)} are free`);
};

const diskFull = (why: string, cause?: unknown): CharmError =>
  new CharmError(
    'disk-full',
    `There is no room on the disk of the charm's container to build ML Metadata's database from its dump: ${why}. ` +
      'Nothing was changed. Free some on the node, then run the action again.',
    { cause },
  );
