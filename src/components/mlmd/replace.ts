import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CharmError } from '../../errors.ts';
import type { Kubernetes, ObjectStore } from '../../world.ts';
import { findMlmdPod } from './pod.ts';
import { canUsePython, replaceByPython } from './replace-by-python.ts';
import { replaceByShell } from './replace-by-shell.ts';
import { assertServerUsesSqlite } from './server-storage.ts';
import { rebuildDatabase, type StoredDump } from './stored-dump.ts';

interface MlmdRestoreWorld {
  readonly kubernetes: Kubernetes;
  readonly store: ObjectStore;
  /** A directory on our own disk. */
  readonly scratch: string;
  readonly signal: AbortSignal;
  /** Seconds after which no process has the old database open any more. */
  readonly patience?: number;
}

interface MlmdRestore {
  readonly application: string;
  readonly dump: StoredDump;
  /** The name under which the replaced database is kept, in the same directory. */
  readonly kept: string;
}

/**
 * ML Metadata's server tries ten times for up to 300 ms to open a locked database, and then gives
 * up (google/ml-metadata).
 */
const defaultPatience = 5;

/**
 * Replaces ML Metadata's database by what a dump holds. The database is built and compared on our
 * own disk, so that nothing of the dump is ever run in the pod; its file is sent to the same volume
 * and replaces the old one in one step, so that the server always finds a database. Rejects with
 * `mlmd-missing`, `mlmd-corrupt`, `mlmd-restore-failed`, `disk-full`, or an error of Kubernetes or
 * the store; then the old database is still in place.
 */
export const replaceMlmd = async (
  world: MlmdRestoreWorld,
  { application, dump, kept }: MlmdRestore,
): Promise<{ readonly way: 'python3' | 'copy'; readonly folder: string }> => {
  const { kubernetes, scratch, signal, patience = defaultPatience } = world;
  const pod = await findMlmdPod(kubernetes, application);
  await assertServerUsesSqlite(kubernetes, pod, signal);
  const { charm, workload } = pod;
  const own = await mkdtemp(join(scratch, 'mlmd-restore-'));
  try {
    const rebuilt = await rebuildDatabase(world, dump, own);
    if (rebuilt.kind === 'damaged')
      throw new CharmError(
        'mlmd-corrupt',
        `The dump of ML Metadata, ${dump.key} in ${world.store.description}, is not what was backed up: ${rebuilt.why}. ML Metadata was not changed.`,
      );
    const common = { kubernetes, kept, signal, patience };
    if (charm !== undefined && (await canUsePython(kubernetes, charm, signal))) {
      await replaceByPython({ ...common, place: charm }, rebuilt.file);
      return { way: 'python3', folder: workload.folder };
    }
    await replaceByShell({ ...common, place: workload }, rebuilt.file);
    return { way: 'copy', folder: workload.folder };
  } finally {
    await rm(own, { recursive: true, force: true });
  }
};
