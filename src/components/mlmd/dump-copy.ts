import { waitUntil } from '../../wait-until.ts';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { CharmError, reasonOf } from '../../errors.ts';
import type { MlmdPlace } from './pod.ts';
import { guardedCopy } from './dump-scripts.ts';
import {
  failureOf,
  problem,
  type MlmdSummary,
  defaultPatience,
  type MlmdWorld,
} from './dump-summary.ts';
import { dumpDatabase } from './sqlite-dump.ts';
import { checkIntegrity, schemaVersionOf } from './sqlite-load.ts';

const pause = 500;

/**
 * Copies the database's file to our own disk and dumps the copy. A copy that was made while a transaction was open can pass every
 * check of SQLite and still hold rows that were never committed; so it is taken only when there was no journal before and after,
 * and inode, size, times and change counter stayed. Undefined when the container lacks the tools.
 */
export const copyAndDump = async (
  world: MlmdWorld,
  place: MlmdPlace,
  output: Writable,
  signal: AbortSignal,
): Promise<MlmdSummary | undefined> => {
  const folder = await mkdtemp(join(world.scratch, 'mlmd-copy-'));
  try {
    const file = join(folder, 'mlmd.db');
    const copied = await copyUntouched(world, place, file, signal);
    return copied ? await dumpCopy(file, place, output, signal) : undefined;
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC')
      throw new CharmError(
        'disk-full',
        'The disk of our container became full while the file of ML Metadata was copied to it. Free some on the node, then run the backup again.',
        { cause },
      );
    throw cause;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const copyUntouched = async (
  { kubernetes, clock, patience = defaultPatience }: MlmdWorld,
  place: MlmdPlace,
  file: string,
  signal: AbortSignal,
): Promise<boolean> => {
  let previous = '';
  let isHot = false;
  return waitUntil(
    { clock, seconds: patience, pause, signal },
    async () => {
      const { exitCode, stderr } = await kubernetes.exec(
        place.target,
        ['sh', '-c', guardedCopy, 'sh', place.file],
        { stdout: createWriteStream(file), signal },
      );
      if (exitCode === 126 || exitCode === 127) return false;
      if (exitCode !== 0) throw failureOf(stderr, place.file);
      const [before = '', after = ''] = stderr.split('then\n');
      if (before.startsWith('wal') || writeVersion(before) === '02')
        throw problem('wal', '', place.file);
      const journal = before.startsWith('journal') || after.startsWith('journal');
      if (!journal && before === after) return true;
      isHot = journal && before === previous;
      previous = before;
      return undefined;
    },
    () =>
      isHot
        ? problem('hot-journal', '', place.file)
        : problem('busy', 'no copy of the file was free of changes', place.file),
  );
};

/** Byte 18 of the header: 2 when SQLite keeps its changes in a -wal file. */
const writeVersion = (look: string): string | undefined => {
  const [, ...header] = look.trim().split('\n');
  return header.join(' ').trim().split(/\s+/)[18];
};

const dumpCopy = async (
  file: string,
  place: MlmdPlace,
  output: Writable,
  signal: AbortSignal,
): Promise<MlmdSummary> => {
  try {
    using database = new DatabaseSync(file, { readOnly: true });
    const damage = await checkIntegrity(database);
    if (damage.length > 0) throw problem('corrupt', damage.slice(0, 5).join('; '), place.file);
    const schemaVersion = schemaVersionOf(database);
    if (schemaVersion === undefined)
      throw problem('not-mlmd', 'there is no schema version in it', place.file);
    const rows: Record<string, number> = {};
    const text = dumpDatabase(database, (table, count) => {
      rows[table] = count;
    });
    await pipeline(Readable.from(text), createGzip(), output, { signal });
    const about = database
      .prepare(
        'SELECT sqlite_version() AS version, page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size',
      )
      .get();
    return {
      schemaVersion,
      sqliteVersion: String(about?.['version']),
      bytes: Number(about?.['bytes']),
      rows,
    };
  } catch (cause) {
    if (isSqliteError(cause)) throw problem('corrupt', reasonOf(cause), place.file);
    throw cause;
  }
};

/** SQLITE_CORRUPT and SQLITE_NOTADB, with their extended codes. */
const isSqliteError = (cause: unknown): boolean =>
  cause instanceof Error &&
  'errcode' in cause &&
  typeof cause.errcode === 'number' &&
  [11, 26].includes(cause.errcode & 0xff);
