import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { CharmError } from '../../errors.ts';
import { sizeText } from '../../text.ts';
import { rebuildDatabase, type RebuildWorld, type StoredDump } from './stored-dump.ts';

export interface ProofWorld extends RebuildWorld {
  /** A directory on our own disk. */
  readonly scratch: string;
}

/**
 * Proves that a dump in S3 can be restored, by building a scratch database of it; see
 * stored-dump.ts. It needs disk for the database (`bytes`, when known), and always removes what it
 * built. Rejects with `mlmd-proof-failed`, `disk-full`, or an error of the store.
 */
export const proveDump = async (world: ProofWorld, dump: StoredDump, bytes = 0): Promise<void> => {
  await checkSpace(world.scratch, bytes);
  const folder = await mkdtemp(join(world.scratch, 'mlmd-proof-'));
  try {
    const rebuilt = await rebuildDatabase(world, dump, folder);
    if (rebuilt.kind === 'same') return;
    throw new CharmError(
      'mlmd-proof-failed',
      `The dump of ML Metadata in S3, ${dump.key}, cannot be restored: ${rebuilt.why}. ` +
        'Run the backup again; if it fails again, check the S3 storage.',
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const checkSpace = async (scratch: string, bytes: number): Promise<void> => {
  const { bavail, bsize } = await statfs(scratch);
  // Rebuilt indexes take more space than before, and sorting them takes some for a while.
  const needed = bytes * 1.5;
  if (bavail * bsize >= needed) return;
  throw new CharmError(
    'disk-full',
    `To prove the dump of ML Metadata we need ${sizeText(needed)} on the disk of our container, and there are ` +
      `${sizeText(bavail * bsize)}. Free some on the node, then run the backup again.`,
  );
};
