import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findMlmdPod } from './pod.ts';
import type { Kubernetes, ObjectStore } from '../../world.ts';
import {
  assertRestored,
  buildDatabase,
  type RowCounts,
  openDump,
  type StoredDump,
} from './stored-dump.ts';
import { canUsePython, restoreWithPython } from './replace-by-python.ts';
import { hasSqlite3, restoreByCopy, restoreWithSqlite3 } from './replace-by-shell.ts';

interface MlmdRestoreWorld {
  readonly kubernetes: Kubernetes;
  readonly store: ObjectStore;
  /** A directory on our own disk. */
  readonly scratch: string;
  readonly signal: AbortSignal;
  /** Seconds until nobody has the old database open any more. */
  readonly patience?: number;
}

interface MlmdRestore {
  readonly application: string;
  readonly dump: StoredDump & { readonly rows: RowCounts };
  /** The name under which the replaced database is kept, in the same directory. */
  readonly kept: string;
}

/** ML Metadata's server tries ten times for up to 300 ms to get at a locked database, and then gives up (google/ml-metadata). */
const defaultPatience = 5;

/**
 * Replaces ML Metadata's database by what a dump holds: in a new file on the same volume, which is checked there and takes the place of the old
 * one in one step, so that the server never finds none. Uses the first way that the pod allows: Python in the charm's container, the program
 * `sqlite3` in the server's, or a file that we build and send there. Rejects, with the old database in its place, with `mlmd-missing`, `mlmd-corrupt`,
 * `mlmd-restore-failed`, `disk-full`, or what Kubernetes and the store reject with.
 */
export const replaceMlmd = async (
  world: MlmdRestoreWorld,
  { application, dump: stored, kept }: MlmdRestore,
): Promise<{ readonly way: string; readonly rows: RowCounts; readonly folder: string }> => {
  const { kubernetes, store, scratch, signal, patience = defaultPatience } = world;
  const { charm, workload } = await findMlmdPod(kubernetes, application);
  const { folder } = workload;
  const dump = await openDump(store, stored, signal);
  const common = { kubernetes, expected: stored.rows, kept, signal, patience };
  if (charm !== undefined && (await canUsePython(kubernetes, charm, signal))) {
    const rows = await restoreWithPython({ ...common, place: charm }, dump);
    return { way: 'python3', rows, folder };
  }
  const restore = { ...common, place: workload };
  if (dump.kind === 'sql' && (await hasSqlite3(kubernetes, workload, signal)))
    return { way: 'sqlite3', rows: await restoreWithSqlite3(restore, dump), folder };
  const own = await mkdtemp(join(scratch, 'mlmd-restore-'));
  try {
    const file = join(own, 'mlmd.db');
    const built = await buildDatabase(dump, file);
    assertRestored(built, stored.rows);
    await restoreByCopy(restore, file);
    return { way: 'copy', rows: built.rows, folder };
  } finally {
    await rm(own, { recursive: true, force: true });
  }
};
