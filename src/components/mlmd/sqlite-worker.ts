import { createReadStream, createWriteStream } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { createGunzip, createGzip } from 'node:zlib';
import { NotADump } from './dump-values.ts';
import { checkIntegrity, readContent } from './inspect-database.ts';
import { loadDump } from './load-dump.ts';
import type { BuildOrder, DumpOrder, Order, Outcome } from './sqlite-thread.ts';
import { writeDump } from './write-dump.ts';

/*
 * A separate thread for SQLite, so that the charm still handles signals. It makes a dump of a
 * database, or a database of a dump. sqlite-thread.ts starts and ends it.
 */

const build = async ({ dump, file, limits }: BuildOrder): Promise<Outcome> => {
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  const source = createReadStream(dump).on('error', (error) => gunzip.destroy(error));
  try {
    await loadDump(source.pipe(gunzip), file, limits);
  } finally {
    source.destroy();
    gunzip.destroy();
  }
  using database = new DatabaseSync(file, { readOnly: true });
  const damage = await checkIntegrity(database);
  if (damage.length > 0) return { kind: 'refused', why: `SQLite finds damage: ${some(damage)}` };
  return { kind: 'done', content: await readContent(database) };
};

const dump = async ({ file, dump: target }: DumpOrder): Promise<Outcome> => {
  using database = new DatabaseSync(file, { readOnly: true });
  const damage = await checkIntegrity(database);
  if (damage.length > 0) return { kind: 'refused', why: some(damage) };
  const text = writeDump(database);
  const content = async function* (): AsyncGenerator<string, void, undefined> {
    const { rows, digests, schemaVersion } = yield* text;
    found = { rows, digests, schemaVersion };
  };
  let found: Extract<Outcome, { kind: 'done' }>['content'] | undefined;
  await pipeline(Readable.from(content()), createGzip(), createWriteStream(target));
  if (found === undefined) throw new Error('the dump ended without its content');
  return { kind: 'done', content: found };
};

/** The first few are enough to know what is wrong. */
const some = (damage: readonly string[]): string => damage.slice(0, 3).join('; ');

/** SQLite's primary result codes (sqlite.org/rescode.html). */
const [noMemory, full] = [7, 13];

const failureOf = (error: unknown): Outcome => {
  if (error instanceof NotADump) return { kind: 'refused', why: error.message };
  if (!(error instanceof Error)) throw error;
  const sqlite = 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : 0;
  const code = 'code' in error ? String(error.code) : '';
  if (sqlite === full || code === 'ENOSPC') return { kind: 'full' };
  if (sqlite === noMemory) return { kind: 'refused', why: 'it needs too much memory' };
  if (code.startsWith('Z_'))
    return { kind: 'refused', why: `it cannot be unpacked: ${error.message}` };
  if (sqlite > 0) return { kind: 'refused', why: `SQLite refuses it: ${error.message}` };
  throw error;
};

const order = workerData as Order;
const work = order.kind === 'build' ? build(order) : dump(order);
parentPort?.postMessage(await work.catch(failureOf));
