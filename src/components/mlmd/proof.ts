import { createHash } from 'node:crypto';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { CharmError, reasonOf } from '../../errors.ts';
import type { ObjectStore } from '../../world.ts';
import { checkIntegrity, countRows, loadDatabase, schemaVersionOf } from './sqlite-load.ts';

/** A dump in S3, and what it is said to be. */
interface DumpClaim {
  readonly key: string;
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
  readonly schemaVersion: number;
  readonly rows: Readonly<Record<string, number>>;
}

interface ProofWorld {
  readonly store: ObjectStore;
  /** A directory on our own disk. */
  readonly scratch: string;
  readonly signal: AbortSignal;
}

/**
 * Proves that a dump in S3 can be restored, by doing it: reads it back, compares size and SHA-256, loads it into a scratch
 * database, and lets SQLite check that; tables, row counts and schema version must be as claimed. Memory stays
 * bounded, disk is needed for the database (`bytes`, when it is known), and the scratch file is always removed.
 * Rejects with `mlmd-proof-failed`, `disk-full`, or what the store rejects with.
 */
export const proveDump = async (
  { store, scratch, signal }: ProofWorld,
  claim: DumpClaim,
  bytes = 0,
): Promise<void> => {
  await checkSpace(scratch, bytes);
  const folder = await mkdtemp(join(scratch, 'mlmd-proof-'));
  try {
    const object = await store.get(claim.key, { signal });
    const hash = createHash('sha256');
    let size = 0;
    const measured = async function* (source: AsyncIterable<Uint8Array>) {
      for await (const chunk of source) {
        hash.update(chunk);
        size += chunk.length;
        yield chunk;
      }
    };
    const gunzip = createGunzip();
    const [read, loaded] = await Promise.allSettled([
      pipeline(object.body, measured, gunzip, { signal }),
      loadDatabase(join(folder, 'mlmd.db'), decode(gunzip)),
    ]);
    if (loaded.status === 'rejected') {
      // A load that fails ends the reading too, so it is the reason unless we were stopped or the store failed.
      signal.throwIfAborted();
      if (read.status === 'rejected' && read.reason instanceof CharmError) throw read.reason;
      throw isDiskFull(loaded.reason) ? diskFull(loaded.reason) : failed(claim, loaded.reason);
    }
    using database = loaded.value;
    if (read.status === 'rejected') throw failed(claim, read.reason);
    if (size !== claim.size || hash.digest('hex') !== claim.sha256)
      throw failed(claim, `its ${size} bytes are not the ${claim.size} that we wrote`);
    await compare(database, claim);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const compare = async (
  database: Awaited<ReturnType<typeof loadDatabase>>,
  claim: DumpClaim,
): Promise<void> => {
  const damage = await checkIntegrity(database);
  if (damage.length > 0)
    throw failed(claim, `SQLite finds damage in it: ${damage.slice(0, 3).join('; ')}`);
  const rows = await countRows(database);
  const tables = new Set([...Object.keys(rows), ...Object.keys(claim.rows)]);
  const different = [...tables].find((table) => rows[table] !== claim.rows[table]);
  if (different !== undefined)
    throw failed(
      claim,
      `the table ${different} has ${rows[different] ?? 'no'} rows where ML Metadata had ${claim.rows[different] ?? 'none'}`,
    );
  const version = schemaVersionOf(database);
  if (version !== claim.schemaVersion)
    throw failed(
      claim,
      `its schema version is ${version ?? 'missing'}, not ${claim.schemaVersion}`,
    );
};

async function* decode(source: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of source) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

const checkSpace = async (scratch: string, bytes: number): Promise<void> => {
  const { bavail, bsize } = await statfs(scratch);
  // Indexes are rebuilt more loosely than they were, and sorting them takes space for a while.
  const needed = bytes * 1.5;
  if (bavail * bsize < needed)
    throw new CharmError(
      'disk-full',
      `To prove the dump of ML Metadata we need ${Math.ceil(needed / 2 ** 20)} MiB on the disk of our container, and there are ` +
        `${Math.floor((bavail * bsize) / 2 ** 20)} MiB. Free some on the node, then run the backup again.`,
    );
};

const failed = ({ key }: DumpClaim, cause: unknown): CharmError =>
  new CharmError(
    'mlmd-proof-failed',
    `The dump of ML Metadata in S3, ${key}, cannot be restored: ${reasonOf(cause)}. ` +
      'Run the backup again; if it fails again, check the S3 storage.',
    { cause },
  );

/** SQLITE_FULL. */
const isDiskFull = (cause: unknown): boolean =>
  cause instanceof Error && 'errcode' in cause && cause.errcode === 13;

const diskFull = (cause: unknown): CharmError =>
  new CharmError(
    'disk-full',
    'The disk of our container became full while the dump of ML Metadata was proven. Free some on the node, then run the backup again.',
    { cause },
  );
