import { PassThrough, Writable } from 'node:stream';
import { CharmError, reasonOf } from '../../errors.ts';
import type { ObjectStore } from '../../world.ts';
import { waysToRead, type Way } from './dump-in-pod.ts';
import type { MlmdWorld, MlmdSummary } from './dump-summary.ts';
import { findMlmdPod } from './pod.ts';
import { proveDump } from './proof.ts';

interface MlmdDump {
  readonly key: string;
  /** Bytes of the object. */
  readonly size: number;
  /** Of the object, hex. */
  readonly sha256: string;
  readonly schemaVersion: number;
  /** Rows of each table. */
  readonly rows: Readonly<Record<string, number>>;
  readonly way: Way['name'];
  readonly sqliteVersion: string;
}

/**
 * Dumps ML Metadata's database, while it is being written to, as SQL text into one S3 object, and proves the object by restoring it.
 * The database is read in the first of three ways that the pod has the tools for: python3 in the charm's container, sqlite3 in
 * the workload's, or a guarded copy of the file. The dump streams, without a second copy in our container except in the last way.
 * Rejects with `mlmd-missing`, `mlmd-corrupt`, `mlmd-dump-failed`, `mlmd-proof-failed`, `disk-full` or what Kubernetes and the
 * store reject with; no object is left then.
 */
export const dumpMlmd = async (
  world: MlmdWorld,
  { application, key }: { readonly application: string; readonly key: string },
): Promise<MlmdDump> => {
  const pod = await findMlmdPod(world.kubernetes, application);
  for (const way of waysToRead(pod)) {
    const dump = await tryWay(world, way, key);
    if (dump === undefined) {
      await world.note(`${application}: its pod has no tools to read the database by ${way.name}`);
      continue;
    }
    const { bytes, ...result } = dump;
    try {
      await proveDump(world, result, bytes);
    } catch (error) {
      await world.store.delete([key]).catch(() => undefined);
      throw error;
    }
    return result;
  }
  throw new CharmError(
    'mlmd-dump-failed',
    `The database of ${application} cannot be read: its pod has neither python3, nor sqlite3, nor a shell with stat, od and cat. ` +
      'Upgrade the application, or take mlmd out of the option components.',
  );
};

/** Thrown through the upload, so that it leaves no object. */
class ToolsMissing extends Error {}

const tryWay = async (
  world: MlmdWorld,
  { name, read }: Way,
  key: string,
): Promise<(MlmdDump & Pick<MlmdSummary, 'bytes'>) | undefined> => {
  try {
    const { value, size, sha256 } = await uploadProduced(world, key, async (output, signal) => {
      const summary = await read(world, output, signal);
      if (!summary) throw new ToolsMissing();
      return summary;
    });
    return { key, size, sha256, way: name, ...value };
  } catch (error) {
    if (error instanceof ToolsMissing) return undefined;
    throw error;
  }
};

interface Uploaded<T> {
  readonly value: T;
  readonly size: number;
  readonly sha256: string;
}

/**
 * Uploads what `produce` writes while it writes it, and completes the object only when `produce` has resolved: a command may
 * end its output and fail all the same. When either fails, the other is stopped, no object is left, and the first failure is thrown.
 */
const uploadProduced = async <T>(
  { store, signal }: { readonly store: ObjectStore; readonly signal: AbortSignal },
  key: string,
  produce: (output: Writable, signal: AbortSignal) => Promise<T>,
): Promise<Uploaded<T>> => {
  const body = new PassThrough();
  body.on('error', () => undefined);
  const lost = new AbortController();
  const uploading = store.upload(key, body, { signal });
  uploading.catch((error: unknown) => {
    lost.abort(error);
  });
  try {
    const value = await produce(openEnded(body), AbortSignal.any([signal, lost.signal]));
    body.end();
    const { size, sha256 } = await uploading;
    return { value, size, sha256 };
  } catch (error) {
    const reason: unknown = lost.signal.aborted ? lost.signal.reason : error;
    body.destroy(error instanceof Error ? error : new Error(reasonOf(error)));
    await uploading.catch(() => undefined);
    throw reason;
  }
};

/** Writes through to `body`, whose end is not ours to tell. */
const openEnded = (body: PassThrough): Writable => {
  const output = new Writable({
    write: (chunk, _encoding, done) => {
      body.write(chunk, done);
    },
  });
  output.on('error', () => undefined);
  return output;
};
