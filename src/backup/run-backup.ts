import type { Config } from '../config.ts';
import { CharmError } from '../errors.ts';
import type { World } from '../world.ts';
import { copyChangesOfBuckets, preCopyBuckets } from './back-up-buckets.ts';
import { backUpDatabases } from './back-up-databases.ts';
import { backUpMlmd } from './back-up-mlmd.ts';
import { beginBackup, type Backup } from './begin-backup.ts';
import { commitSet } from './commit-set.ts';
import type { BackupManifest } from './manifest.ts';
import { preflight, type BackupRequest } from './preflight.ts';

/**
 * The guide's "back up the control plane", in one piece: either a complete set that was proven readable, or none. However it ends, every
 * scale is put back; when that fails, the journal knows, and the error says what to do.
 */
export const runBackup = async (
  world: World,
  config: Config,
  request: BackupRequest,
): Promise<{ readonly manifest: BackupManifest; readonly location: string }> => {
  const { progress } = world;

  await progress.step('Checking whether a backup can be made');
  await using ready = await preflight(world, config, request);
  await using backup = await beginBackup(world, config, request, ready);

  await progress.step(`Backup ${backup.id}: copying buckets ahead, while everything runs`);
  const preCopy = await preCopyBuckets(backup);

  await progress.step(`Backup ${backup.id}: backing up the databases`);
  const databases = await backUpDatabases(backup);

  await progress.step(`Backup ${backup.id}: dumping ML Metadata`);
  const mlmd = await backUpMlmd(backup);

  await progress.step(`Backup ${backup.id}: copying what changed in the buckets`);
  const buckets = await copyChangesOfBuckets(backup, preCopy);

  const manifest = await commitSet(backup, { databases, ...(mlmd && { mlmd }), buckets });

  await progress.step(`Backup ${backup.id} is complete: putting scales back`);
  await putBackAfter(backup);

  return { manifest, location: `s3://${ready.target.bucket}/${backup.layout.set(backup.id)}` };
};

/** The set stays whatever happens now, and the one who reads of a scale has to know that. */
const putBackAfter = async (backup: Backup): Promise<void> => {
  try {
    await backup.putBackScales();
  } catch (error) {
    if (!(error instanceof CharmError)) throw error;
    throw new CharmError(
      error.code,
      `The backup ${backup.id} is complete and listed. But ${error.message}`,
      {
        cause: error,
      },
    );
  }
};
