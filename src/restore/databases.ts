import { moveToNextPath } from '../components/databases/paths.ts';
import {
  copyBackup,
  deleteBackup,
  isBackupAt,
  isListed,
  passwordCommands,
} from '../components/databases/stored-backup.ts';
import { CharmError } from '../errors.ts';
import { clusterStatus, faultOf, saidBy } from '../operation/cluster-status.ts';
import { holdScale, type HeldScale } from '../operation/hold-scale.ts';
import { waitForScale } from '../operation/wait-for-scale.ts';
import type { DatabaseBackup } from '../repository/manifest.ts';
import { durationText, countText } from '../text.ts';
import { waitUntil } from '../wait-until.ts';
import type { ApplicationStatus } from '../world.ts';
import type { DatabasePlan } from './applications.ts';
import type { Restore } from './begin-restore.ts';

export interface RestoredDatabase {
  readonly component: string;
  readonly application: string;
  readonly databaseBackupId: string;
  /** The path where it writes from now on; undefined when it has its own S3 storage. */
  readonly path?: string;
  readonly seconds: number;
}

/**
 * Restores one database: scales it to exactly one unit, as mysql-k8s requires, runs its action
 * `restore`, moves it to another S3 path and puts the scale back. May be repeated.
 */
export const restoreDatabase = async (
  restore: Restore,
  plan: DatabasePlan,
): Promise<RestoredDatabase> => {
  const { world, ready } = restore;
  const { application } = plan;
  const { name } = application;
  const { backupId: databaseBackupId } = plan.backup;
  const started = world.clock.now().getTime();
  const held = await scaleToOne(restore, plan);
  const unit = await waitForTheOnlyMember(restore, plan, (fault) => neverAlone(application, fault));
  await ensureVisible(restore, plan, unit);
  await runRestore(restore, plan, unit);
  await removeCopy(restore, plan);
  const path = plan.isRelated
    ? await moveToNextPath(world, ready.target, plan.component)
    : undefined;
  await waitForTheOnlyMember(restore, plan, (fault) => unwell(application, fault));
  await held?.putBack();
  const seconds = (world.clock.now().getTime() - started) / 1000;
  await world.progress.note(
    `${name}: restored from its backup ${databaseBackupId} after ${durationText(seconds)}`,
  );
  return {
    component: plan.component,
    application: name,
    databaseBackupId,
    seconds,
    ...(path !== undefined && { path }),
  };
};

const scaleToOne = async (
  restore: Restore,
  { application }: DatabasePlan,
): Promise<HeldScale | undefined> => {
  if (application.scale === 1) return undefined;
  const { world, request } = restore;
  const { name, scale } = application;
  await world.progress.note(
    `${name}: scaling from ${scale} to 1, because mysql-k8s restores a single unit only`,
  );
  const held = await holdScale(scaleWorld(restore), application, 1, request.timeoutSeconds);
  restore.hold(held);
  await restore.heartbeat.during(
    () => `${name}: waiting for 1 unit`,
    () =>
      waitForScale(scaleWorld(restore), name, {
        units: 1,
        timeoutSeconds: request.timeoutSeconds,
        signal: world.signal,
      }),
  );
  return held;
};

/**
 * Waits until the unit that is left is the primary, and returns it. A leaving primary hands over to
 * it.
 */
const waitForTheOnlyMember = async (
  { world, ready, request }: Restore,
  { application }: DatabasePlan,
  tooLate: (fault: string) => CharmError,
): Promise<string> => {
  let fault: string | undefined;
  return waitUntil(
    { clock: world.clock, seconds: request.timeoutSeconds, pause: 5000, signal: world.signal },
    async () => {
      const cluster = await clusterStatus(ready.juju, application);
      const [member] = cluster.members;
      fault =
        faultOf(cluster, 1) ??
        (member?.role === 'primary' ? undefined : 'the unit that is left is not the primary');
      return fault === undefined ? member?.unit : undefined;
    },
    () => {
      throw tooLate(fault ?? 'it has no member');
    },
  );
};

const neverAlone = ({ name }: ApplicationStatus, fault: string): CharmError =>
  new CharmError(
    'database-unhealthy',
    `${name} cannot be restored: ${fault}. It was not changed. See juju run ${name}/leader get-cluster-status.`,
  );

/**
 * After a restore the application is blocked until it gets another S3 path, but its only member
 * serves.
 */
const unwell = ({ name }: ApplicationStatus, fault: string): CharmError =>
  new CharmError(
    'database-unhealthy',
    `${name} was restored, but is not well: ${fault}. See juju run ${name}/leader get-cluster-status.` +
      ` If its passwords were others at the time of the backup: ${passwordCommands(name)}.`,
  );

const runRestore = async (
  restore: Restore,
  { application, backup }: DatabasePlan,
  unit: string,
): Promise<void> => {
  const { world, ready, heartbeat } = restore;
  const { backupId: databaseBackupId } = backup;
  await world.progress.note(
    `${application.name}: restore backup-id=${databaseBackupId} on ${unit}`,
  );
  const started = world.clock.now().getTime();
  const outcome = await heartbeat.during(
    () =>
      `restore runs on ${unit} (${durationText((world.clock.now().getTime() - started) / 1000)})`,
    () =>
      ready.juju.runAction(
        unit,
        'restore',
        { 'backup-id': databaseBackupId },
        { signal: world.signal },
      ),
  );
  if (outcome.status === 'completed') return;
  throw new CharmError(
    'database-restore-failed',
    `restore of ${databaseBackupId} on ${unit} failed: ${saidBy(outcome)}. See juju show-task ${outcome.task}, juju status ${application.name} and juju debug-log` +
      ` --include ${unit}. When the passwords of its users are not those of the time of the backup, set them first: ${passwordCommands(application.name)}.`,
  );
};

const scaleWorld = ({ world, ready, terminating }: Restore) => ({
  juju: ready.juju,
  journal: world.journal,
  clock: world.clock,
  signal: terminating,
});

/**
 * Makes sure that the database itself lists the backup. When it does not, the backup is copied from
 * the path where it was written to the path where the database looks now. Rejects with
 * `database-restore-failed` when that does not help.
 */
const ensureVisible = async (
  restore: Restore,
  { application, path: to, backup, isRelated }: DatabasePlan,
  unit: string,
): Promise<void> => {
  const { world, ready, heartbeat, request } = restore;
  const from = backup.path;
  const place = isRelated && from !== undefined && to !== undefined ? { from, to } : undefined;
  // What the database lists now may have been overwritten since.
  const fromPast = request.asOf !== undefined && place !== undefined;
  if (!fromPast && (await isListed(ready.juju, unit, backup.backupId))) return;
  if (place === undefined || (from === to && !fromPast)) throw invisible(unit, backup, to);
  let progress = { objects: 0 };
  await world.progress.note(
    `${application.name}: copying its backup ${backup.backupId} from ${place.from} to ${place.to}, where it looks now`,
  );
  await heartbeat.during(
    () => `${application.name}: ${countText(progress.objects, 'object')} copied to ${place.to}`,
    () =>
      copyBackup(ready.target.store, {
        ...{ ...place, databaseBackupId: backup.backupId, stored: ready.stored.store },
        transfers: restore.config.transfers,
        copied: (copied) => {
          progress = copied;
        },
      }),
  );
  if (!(await isListed(ready.juju, unit, backup.backupId))) throw invisible(unit, backup, to);
};

/**
 * Deletes the copy after the restore: no set refers to it, and the database moves on to another
 * path.
 */
const removeCopy = async (
  { ready }: Restore,
  { path: copy, backup, isRelated }: DatabasePlan,
): Promise<void> => {
  const { store } = ready.target;
  const { path, backupId: databaseBackupId } = backup;
  if (!isRelated || copy === undefined || path === undefined || copy === path) return;
  if (await isBackupAt(store, path, databaseBackupId))
    await deleteBackup(store, copy, databaseBackupId);
};

const invisible = (
  unit: string,
  { backupId: databaseBackupId }: DatabaseBackup,
  path: string | undefined,
): CharmError =>
  new CharmError(
    'database-restore-failed',
    `${unit} does not list the backup ${databaseBackupId}, so it cannot be restored; the database was not changed.` +
      (path === undefined
        ? ''
        : ` It was told to look in ${path}; when that was only a moment ago, run the action again in a minute.`) +
      ` See juju run ${unit} list-backups.`,
  );
