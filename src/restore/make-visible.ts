import { saidBy } from '../backup/databases/members.ts';
import { statusOfBackup } from '../backup/databases/backups.ts';
import type { DatabaseBackup } from '../backup/manifest.ts';
import { countText } from '../backup/wording.ts';
import { CharmError } from '../errors.ts';
import type { JujuModel } from '../world.ts';
import type { Restore } from './begin-restore.ts';
import { copyBackup, deleteBackup, isBackupAt } from './database-families.ts';
import type { DatabasePlan } from './databases.ts';

/**
 * Sees to it that the database itself lists the backup: when it does not, the backup is copied from where it was written to where the database looks
 * now. Rejects with `database-restore-failed` when that does not help.
 */
export const ensureVisible = async (
  restore: Restore,
  { application, path: to, backup, isRelated }: DatabasePlan,
  unit: string,
): Promise<void> => {
  const { world, ready, heartbeat } = restore;
  if (await isListed(ready.juju, unit, backup.backupId)) return;
  const { store } = ready.target;
  const from = backup.path;
  if (!isRelated || from === undefined || to === undefined || from === to)
    throw invisible(unit, backup, to);
  let progress = { objects: 0 };
  await world.progress.note(
    `${application.name}: copying its backup ${backup.backupId} from ${from} to ${to}, where it looks now`,
  );
  await heartbeat.during(
    () => `${application.name}: ${countText(progress.objects, 'object')} copied to ${to}`,
    () =>
      copyBackup(store, from, to, backup.backupId, restore.config.transfers, (copied) => {
        progress = copied;
      }),
  );
  if (!(await isListed(ready.juju, unit, backup.backupId))) throw invisible(unit, backup, to);
};

/** Once it is restored, the copy is of no use to anybody: no set knows of it, and the database moves on to another path. */
export const removeCopy = async (
  { ready }: Restore,
  { path: copy, backup, isRelated }: DatabasePlan,
): Promise<void> => {
  const { store } = ready.target;
  const { path, backupId } = backup;
  if (!isRelated || copy === undefined || path === undefined || copy === path) return;
  if (await isBackupAt(store, path, backupId)) await deleteBackup(store, copy, backupId);
};

const invisible = (
  unit: string,
  { backupId }: DatabaseBackup,
  path: string | undefined,
): CharmError =>
  new CharmError(
    'database-restore-failed',
    `${unit} does not list the backup ${backupId}, so it cannot be restored; the database was not changed.` +
      (path === undefined
        ? ''
        : ` It was told to look in ${path}; when that was only a moment ago, run the action again in a minute.`) +
      ` See juju run ${unit} list-backups.`,
  );

/** Whether the database itself lists a backup as finished. */
export const isListed = async (
  juju: JujuModel,
  unit: string,
  backupId: string,
): Promise<boolean> => {
  const outcome = await juju.runAction(unit, 'list-backups', {});
  if (outcome.status !== 'completed') {
    throw new CharmError(
      'database-unhealthy',
      `${unit} cannot reach its S3 storage: ${saidBy(outcome)}. Check that S3 is up and can be reached from there, and that juju status --relations shows a relation at its s3-parameters.`,
    );
  }
  return statusOfBackup(outcome.results['backups'], backupId) === 'finished';
};
