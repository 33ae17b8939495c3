import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CharmError } from '../../errors.ts';
import { fileStream } from '../../ports/file-stream.ts';
import type { ObjectStore } from '../../world.ts';
import type { DatabaseContent } from './inspect-database.ts';
import { findMlmdPod, type MlmdPlace, type MlmdWorld } from './pod.ts';
import { proveDump } from './proof.ts';
import { problem } from './snapshot-failures.ts';
import { takeSnapshot, type Way } from './snapshot.ts';
import { dumpDatabase } from './sqlite-thread.ts';

/*
 * This folder dumps the SQLite database of ML Metadata (this file), and replaces it by what a dump
 * holds (replace.ts).
 */

export interface DumpWorld extends MlmdWorld {
  readonly store: ObjectStore;
  /** A directory on our own disk. */
  readonly scratch: string;
}

interface MlmdDump {
  readonly key: string;
  /** Bytes of the object. */
  readonly size: number;
  /** Hex, of the object. */
  readonly sha256: string;
  readonly schemaVersion: number;
  /** Rows of each table. */
  readonly rows: Readonly<Record<string, number>>;
  /** Of the content of each table; see table-rows.ts. */
  readonly digests: Readonly<Record<string, string>>;
  readonly way: Way;
}

/**
 * Dumps ML Metadata's database, while it is being written to, as SQL text into one S3 object, and
 * proves the object by restoring it into a scratch database. A snapshot comes to our own disk and
 * is turned into SQL there, so that every dump has the same form, whatever tools the pod has.
 * Rejects with `mlmd-missing`, `mlmd-corrupt`, `mlmd-dump-failed`, `mlmd-proof-failed`, `disk-full`
 * or an error of Kubernetes or the store. Then it leaves no object.
 */
export const dumpMlmd = async (
  world: DumpWorld,
  {
    application,
    key,
    onSnapshot = () => undefined,
  }: {
    readonly application: string;
    readonly key: string;
    /** Called when the pod is no longer needed, so that a stopped writer may write again. */
    readonly onSnapshot?: () => void;
  },
): Promise<MlmdDump> => {
  const { kubernetes, store, scratch, signal } = world;
  const pod = await findMlmdPod(kubernetes, application);
  const folder = await mkdtemp(join(scratch, 'mlmd-dump-'));
  try {
    const file = join(folder, 'mlmd.db');
    const way = await takeSnapshot(world, pod, file);
    onSnapshot();
    const { size: bytes } = await stat(file);
    const dump = join(folder, 'dump.gz');
    const content = await writeSql({ file, dump, place: pod.workload, bytes, signal });
    await rm(file);
    const { size, sha256 } = await store.upload(key, fileStream(dump), { signal });
    const result = { key, size, sha256, way, ...content };
    try {
      await proveDump(world, result, bytes);
    } catch (error) {
      await store.delete([key]).catch(() => undefined);
      throw error;
    }
    return result;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

interface SqlOrder {
  readonly file: string;
  readonly dump: string;
  readonly place: MlmdPlace;
  readonly bytes: number;
  readonly signal: AbortSignal;
}

const writeSql = async ({
  file,
  dump,
  place,
  bytes,
  signal,
}: SqlOrder): Promise<DatabaseContent & { readonly schemaVersion: number }> => {
  // An hour, and a second for each 100 KiB: many times more than needed.
  const seconds = 3600 + Math.ceil(bytes / 1e5);
  const outcome = await dumpDatabase({ file, dump }, { seconds, signal });
  if (outcome.kind === 'refused') throw problem('corrupt', outcome.why, place.file);
  if (outcome.kind === 'full')
    throw new CharmError(
      'disk-full',
      'The disk of our container became full while the dump of ML Metadata was written. Free some on the node, then run the backup again.',
    );
  const { schemaVersion, ...content } = outcome.content;
  if (schemaVersion !== undefined) return { ...content, schemaVersion };
  throw new CharmError(
    'mlmd-corrupt',
    `${place.file} does not hold exactly one schema version in its table MLMDEnv, and ML Metadata needs one to start. Two servers that migrated it at once` +
      ' leave that. Nothing was changed. Keep the one row of the version that its tables have, then run the backup again. If it is another database,' +
      ' check the option mlmd-application.',
  );
};
