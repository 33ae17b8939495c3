import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { DatabaseContent } from './inspect-database.ts';
import type { LoadLimits } from './load-dump.ts';

/** Files on our disk: the SQL text, gzipped, and the database. */
interface Files {
  readonly dump: string;
  readonly file: string;
}

export interface BuildOrder extends Files {
  readonly kind: 'build';
  readonly limits: LoadLimits;
}

export interface DumpOrder extends Files {
  readonly kind: 'dump';
}

export type Order = BuildOrder | DumpOrder;

export type Outcome =
  | { readonly kind: 'done'; readonly content: DatabaseContent }
  /** The dump or the database is not valid. `why` can follow a colon. */
  | { readonly kind: 'refused'; readonly why: string }
  /** Our disk is full, or the file has reached its limit. */
  | { readonly kind: 'full' };

interface Patience {
  readonly seconds: number;
  readonly signal: AbortSignal;
}

/** The heap of the thread, in MiB; the charm's container has 1 GiB in all. */
const heap = 384;

/**
 * Builds a database from a dump, checks it, and returns what it holds. Whatever the dump holds, the
 * event loop goes on, and time, memory and the size of the file are limited. Rejects with the
 * signal's reason. The caller removes the file.
 */
export const buildDatabase = (
  order: Omit<BuildOrder, 'kind'>,
  patience: Patience,
): Promise<Outcome> => inThread({ kind: 'build', ...order }, patience);

/** Checks a database and writes its dump. */
export const dumpDatabase = (
  order: Omit<DumpOrder, 'kind'>,
  patience: Patience,
): Promise<Outcome> => inThread({ kind: 'dump', ...order }, patience);

const inThread = async (order: Order, { seconds, signal }: Patience): Promise<Outcome> => {
  signal.throwIfAborted();
  // In the bundle both are .js, in the sources both are .ts.
  const script = new URL(`./sqlite-worker${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(script, {
    workerData: order,
    resourceLimits: { maxOldGenerationSizeMb: heap },
  });
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  worker.once('message', resolve);
  worker.once('error', (error: Error) => {
    if ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY')
      resolve({ kind: 'refused', why: 'it needs too much memory' });
    else reject(error);
  });
  worker.once('exit', (status) => {
    reject(new Error(`the thread of SQLite ended with ${status}`));
  });
  const timer = setTimeout(() => {
    resolve({ kind: 'refused', why: `SQLite was not done with it in ${seconds} s` });
  }, seconds * 1000);
  const onAbort = (): void => {
    reject(signal.reason as Error);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    await worker.terminate();
  }
};
