import { findMlmdPod, execText } from '../components/mlmd/pod.ts';
import { CharmError, orProblem } from '../errors.ts';
import type { MlmdBackup } from '../repository/manifest.ts';
import { sizeText } from '../text.ts';
import type { Kubernetes, Target } from '../world.ts';

/**
 * The problems of ML Metadata's pod: it is missing, or its volume has no room for a second
 * database.
 */
export const mlmdProblems = async (
  kubernetes: Kubernetes,
  target: Target,
  application: string,
  backup: MlmdBackup,
): Promise<CharmError[]> => {
  const problem = await orProblem(async () => {
    const { workload } = await findMlmdPod(kubernetes, application);
    const { folder } = workload;
    const needed = await estimateSize(target, backup);
    const free = await freeBytes(kubernetes, workload.target, folder);
    if (free === undefined || needed === undefined || free >= needed) return undefined;
    return new CharmError(
      'disk-full',
      `The volume of ${application} has ${sizeText(free)} free, and the restored database may need ${sizeText(needed)} in addition to the present one.` +
        ` Make room in ${folder} of the pod ${workload.target.pod} (databases that earlier restores kept are called mlmd.db.before-restore-...).`,
    );
  });
  return problem instanceof CharmError ? [problem] : [];
};

/** Undefined when the image has no `stat`. */
const freeBytes = async (
  kubernetes: Kubernetes,
  target: { readonly pod: string; readonly container: string },
  folder: string,
): Promise<number | undefined> => {
  const { exitCode, stdout } = await execText(kubernetes, target, [
    'stat',
    '-f',
    '-c',
    '%a %S',
    folder,
  ]);
  const [blocks, size] = stdout.trim().split(' ').map(Number);
  const free = (blocks ?? NaN) * (size ?? NaN);
  return exitCode === 0 && Number.isFinite(free) ? free : undefined;
};

/**
 * Estimates the size of the database from its gzipped dump. The last four bytes of a gzip file are
 * the size of its content modulo 4 GiB (RFC 1952). A database is smaller than its SQL, but has
 * indexes. Undefined when the object cannot be read; other checks report that.
 */
const estimateSize = async (
  { store }: Target,
  { key, size }: MlmdBackup,
): Promise<number | undefined> => {
  const read = async (start: number, end: number): Promise<Buffer> => {
    const { body } = await store.get(key, { range: { start, end } });
    return Buffer.concat(await Array.fromAsync(body, (chunk: Uint8Array) => Buffer.from(chunk)));
  };
  if (size < 18) return undefined;
  const found = await orProblem(async () => {
    const magic = await read(0, 1);
    if (magic[0] !== 0x1f || magic[1] !== 0x8b) return size;
    let content = (await read(size - 4, size - 1)).readUInt32LE();
    // gzip makes very small content a little larger.
    while (content * 1.001 + 1024 < size) content += 2 ** 32;
    return content;
  });
  return found instanceof CharmError ? undefined : Math.ceil(found * 1.3);
};
