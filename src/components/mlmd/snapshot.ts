import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { CharmError, hasCode, reasonOf } from '../../errors.ts';
import { copyUntouched } from './guarded-copy.ts';
import { findMlmdPod, type MlmdPlace, type MlmdPod, type MlmdWorld } from './pod.ts';
import { assertServerUsesSqlite } from './server-storage.ts';
import { failureOf } from './snapshot-failures.ts';
import { pythonSnapshot, sqlite3Snapshot } from './snapshot-scripts.ts';

/**
 * How the database is read: by Python in the charm's container, by the program sqlite3 in the
 * server's, or by a guarded copy of the file.
 */
export type Way = 'python3' | 'sqlite3' | 'copy';

/**
 * Seconds after which a process in the pod ends itself, in case it does not notice that its
 * connection was lost.
 */
const lifetime = 6 * 60 * 60;
const defaultPatience = 30;

/**
 * Writes a snapshot of the database to `file`, on our own disk, while the database is being written
 * to. Uses the first way for which the pod has the tools. Rejects with `mlmd-missing`,
 * `mlmd-corrupt`, `mlmd-dump-failed`, `disk-full`, or an error of Kubernetes.
 */
export const takeSnapshot = async (world: MlmdWorld, pod: MlmdPod, file: string): Promise<Way> => {
  const { workload, charm } = pod;
  const patient = { ...world, patience: world.patience ?? defaultPatience };
  const ways: readonly (readonly [way: Way, take: () => Promise<boolean>])[] = [
    ...(charm ? [['python3', () => byScript(patient, charm, file, python)] as const] : []),
    ['sqlite3', () => byScript(patient, workload, file, sqlite3)],
    ['copy', () => copyUntouched(patient, workload, file)],
  ];
  await tellingOfThePod(world, pod, () =>
    assertServerUsesSqlite(world.kubernetes, pod, world.signal),
  );
  for (const [way, take] of ways) {
    if (await tellingOfThePod(world, pod, take)) return way;
    await world.note(`${pod.pod.name}: it has no tools to read the database by ${way}`);
  }
  throw new CharmError(
    'mlmd-dump-failed',
    `The database of ML Metadata cannot be read: ${pod.pod.name} has neither python3, nor sqlite3, nor a shell with stat, od and cat. ` +
      'Upgrade the application, or take mlmd out of the option components.',
  );
};

type Command = (place: MlmdPlace, patience: number) => readonly string[];

const python: Command = ({ file, folder }, patience) => {
  const words = [file, String(patience), String(lifetime), '/tmp', folder];
  return ['python3', '-I', '-c', pythonSnapshot, ...words];
};

const sqlite3: Command = ({ file, folder }, patience) => {
  const words = [file, String(Math.round(patience * 1000)), '/tmp', folder];
  return ['sh', '-c', sqlite3Snapshot, 'sh', ...words];
};

/** False when the container lacks the tools. */
const byScript = async (
  { kubernetes, patience, signal }: MlmdWorld & { readonly patience: number },
  place: MlmdPlace,
  file: string,
  command: Command,
): Promise<boolean> => {
  const packed = `${file}.gz`;
  const stdout = createWriteStream(packed);
  const { exitCode, stderr } = await kubernetes.exec(place.target, command(place, patience), {
    stdout,
    signal,
  });
  if (exitCode === 126 || exitCode === 127) return false;
  if (exitCode !== 0) throw failureOf(stderr || `exit status ${exitCode}`, place.file);
  const told = /^bytes (\d+)\nsha256 ([0-9a-f]{64})$/m.exec(stderr);
  const hash = createHash('sha256');
  let bytes = 0;
  const measured = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      hash.update(chunk);
      yield chunk;
    }
  };
  const [source, target] = [createReadStream(packed), createWriteStream(file)];
  await pipeline(source, createGunzip(), measured, target, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    // Kubernetes may end a command's output early and still report that it succeeded.
    if (!isZlibError(error)) throw error;
  });
  await rm(packed);
  if (told?.[1] === String(bytes) && told[2] === hash.digest('hex')) return true;
  throw new CharmError(
    'mlmd-dump-failed',
    `The copy of ${place.file} did not arrive as it was sent: ${bytes} of ${told?.[1] ?? 'unknown'} bytes. Nothing is known to be wrong with the database; run the backup again.`,
  );
};

const isZlibError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');

/**
 * Explains an error: whether the pod restarted when a connection was lost, and which disk is full.
 */
const tellingOfThePod = async <T>(
  { kubernetes }: MlmdWorld,
  { pod: before }: MlmdPod,
  work: () => Promise<T>,
): Promise<T> => {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC')
      throw new CharmError(
        'disk-full',
        'The disk of our container became full while the database of ML Metadata was copied to it. Free some on the node, then run the backup again.',
        { cause },
      );
    if (!hasCode(cause, 'kubernetes-unreachable', 'kubernetes-refused')) throw cause;
    const application = before.name.replace(/-\d+$/, '');
    const after = await findMlmdPod(kubernetes, application).catch(() => undefined);
    const restarts = (pod: MlmdPod['pod'] | undefined): string =>
      JSON.stringify([pod?.uid, pod?.containers.map((container) => container.restarts)]);
    throw new CharmError(
      'mlmd-dump-failed',
      restarts(after?.pod) === restarts(before)
        ? `The dump of ML Metadata was cut off: ${reasonOf(cause)}`
        : `The pod ${before.name} restarted while ML Metadata was dumped. Nothing of the dump is kept. Look for the cause with ` +
            `juju debug-log --include ${application} and kubectl describe pod ${before.name}, then run the backup again.`,
      { cause },
    );
  }
};
