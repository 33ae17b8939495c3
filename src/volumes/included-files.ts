import { CharmError } from '../errors.ts';
import type { VolumeOperation } from './records/operation.ts';
import type { StoredBackup } from './records/stored-backups.ts';
import { runOnRepository } from './restic/repository-command.ts';
import { type RestoreSummary, restoreSummaryIn } from './restic/restic.ts';

/**
 * What of a backup a restore with `include` would bring back, as restic itself counts it, in a pod
 * of ours and writing nothing. restic calls it a success to restore nothing: rejects with
 * `parameter-invalid` then.
 */
export const includedFiles = async (
  operation: VolumeOperation,
  { session, volume: { repository, snapshot, namespace, claim } }: StoredBackup,
  include: string,
): Promise<RestoreSummary> => {
  const output = await runOnRepository(operation, repository, {
    task: 'include',
    command: [
      ...['restore', snapshot, '--json', '--quiet', '--no-lock', '--dry-run'],
      ...['--target', '/tmp/restored'],
      `--include=${include}`,
    ],
    isLong: true,
  });
  const summary = restoreSummaryIn(output);
  if (summary.files > 0) return summary;
  throw new CharmError(
    'parameter-invalid',
    `Nothing in the backup ${session} of ${namespace}/${claim} is called ${include} (include). Nothing was restored. Give a path from the root of the volume, such as /thesis/chapter-1.ipynb. Without include everything comes back.`,
  );
};
