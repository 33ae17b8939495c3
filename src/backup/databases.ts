import {
  assertSafeToForce,
  chooseMember,
  type DatabaseWorld,
} from '../components/databases/cluster.ts';
import { statusOfBackup, measureBackup } from '../components/databases/stored-backup.ts';
import { CharmError } from '../errors.ts';
import { saidBy } from '../operation/cluster-status.ts';
import type { HeldScale } from '../operation/hold-scale.ts';
import { settledModel } from '../operation/settled-model.ts';
import { sideBySide } from '../operation/side-by-side.ts';
import type { DatabaseBackup } from '../repository/manifest.ts';
import { durationText, excerpt } from '../text.ts';
import { unlessAborted } from '../unless-aborted.ts';
import { says } from '../wordings.ts';
import type { ActionOutcome, Clock, JujuModel } from '../world.ts';
import type { DatabasePlan } from './applications.ts';
import type { Backup } from './begin-backup.ts';
import type { SecondUnits } from './second-units.ts';

/**
 * Backs up one database that has its units: runs `create-backup` on a member that does not serve
 * writes, and confirms that it is listed as finished. Puts its scale back then, and does not wait
 * for that.
 */
export const backUpDatabase = async (
  world: DatabaseWorld,
  plan: DatabasePlan,
  held: HeldScale | undefined,
): Promise<DatabaseBackup> => {
  const started = world.clock.now().getTime();
  const { name } = plan.application;
  const { juju, clock, cancelled, note } = world;
  await settledModel({ juju, clock, signal: cancelled, note }, [name]);
  const unit = await chooseMember(world, plan);
  const databaseBackupId = await createBackup(world, plan, unit);
  await unlessAborted(confirmFinished(world.juju, unit, databaseBackupId), world.cancelled);
  const seconds = (world.clock.now().getTime() - started) / 1000;
  await world.note(
    `${name}: backup ${databaseBackupId} finished on ${unit} after ${durationText(seconds)}`,
  );
  // The added unit is not needed any more. A failure is reported when all scales are put back.
  held?.putBack().catch(() => undefined);
  return {
    component: plan.component,
    application: name,
    unit,
    charm: plan.application.charm,
    ...(plan.application.charmRevision !== undefined && {
      revision: plan.application.charmRevision,
    }),
    version: plan.application.workloadVersion,
    backupId: databaseBackupId,
    seconds,
  };
};

const createBackup = async (
  world: DatabaseWorld,
  { application, units }: DatabasePlan,
  unit: string,
): Promise<string> => {
  await world.note(`${application.name}: create-backup on ${unit}`);
  let outcome = await runCreateBackup(world, unit, {});
  if (outcome.status === 'failed' && says(outcome.message, 'clusterUnhealthy')) {
    // MySQL Shell calls one or two members that are all online OK_NO_TOLERANCE, and mysql-k8s from
    // revision 300 on treats that as unhealthy. Its `force` switches off all other checks too, so
    // they are made here, just before.
    await unlessAborted(assertSafeToForce(world.juju, application, units, unit), world.cancelled);
    await world.note(
      `${application.name}: all members are online, so create-backup again with force=true`,
    );
    outcome = await runCreateBackup(world, unit, { force: true });
  }
  const databaseBackupId = outcome.results['backup-id'];
  if (outcome.status === 'completed' && typeof databaseBackupId !== 'string')
    throw new CharmError(
      'database-backup-failed',
      `create-backup on ${unit} ended well and named no backup${outcome.message && `; it said: ${excerpt(outcome.message, 80)}`}. Without its id nobody can restore it, so there is no set.` +
        ` See juju show-task ${outcome.task} and juju debug-log --include ${unit}; then run the backup again.`,
    );
  if (outcome.status !== 'completed' || typeof databaseBackupId !== 'string') {
    throw new CharmError(
      'database-backup-failed',
      `create-backup on ${unit} failed: ${saidBy(outcome)}. See juju show-task ${outcome.task} and juju debug-log --include ${unit}.`,
    );
  }
  return databaseBackupId;
};

const runCreateBackup = (
  { juju, heartbeat, clock, cancelled }: DatabaseWorld,
  unit: string,
  parameters: Readonly<Record<string, unknown>>,
): Promise<ActionOutcome> =>
  heartbeat.during(since(clock, `create-backup runs on ${unit}`), () =>
    juju.runAction(unit, 'create-backup', parameters, { signal: cancelled }),
  );

const confirmFinished = async (
  juju: JujuModel,
  unit: string,
  databaseBackupId: string,
): Promise<void> => {
  const outcome = await juju.runAction(unit, 'list-backups', {});
  const status = statusOfBackup(outcome.results['backups'], databaseBackupId);
  if (status !== 'finished') {
    throw new CharmError(
      'database-backup-failed',
      `create-backup on ${unit} reported ${databaseBackupId}, but its list-backups says ${status ?? saidBy(outcome)}.` +
        ` See juju run ${unit} list-backups.`,
    );
  }
};

const since = (clock: Clock, what: string): (() => string) => {
  const started = clock.now().getTime();
  return () => `${what} (${durationText((clock.now().getTime() - started) / 1000)})`;
};

/**
 * Backs up all databases. Those that write to a path of this charm are backed up side by side.
 * Those with their own S3 storage are backed up one after the other, because two that share a path
 * would give the same id to backups of the same second. When one fails, its error is reported at
 * once; the scales of the others are put back when their backups have ended.
 */
export const backUpDatabases = async (
  backup: Backup,
  secondUnits: SecondUnits,
  signal: AbortSignal,
): Promise<DatabaseBackup[]> => {
  const { world, ready, timeline } = backup;
  const { databases } = ready.plan;
  const backUp = async (plan: DatabasePlan, cancelled: AbortSignal): Promise<DatabaseBackup> => {
    const { name } = plan.application;
    cancelled.throwIfAborted();
    const made = await timeline.during(`create-backup of ${name}`, 'mysql-k8s', () =>
      backUpDatabase(
        {
          juju: ready.juju,
          journal: world.journal,
          clock: world.clock,
          signal: world.signal,
          cancelled,
          heartbeat: backup.heartbeat,
          note: (message) => world.progress.note(message),
        },
        plan,
        secondUnits.get(name),
      ),
    );
    return { ...made, ...(await findInOurStorage(backup, plan, made.backupId)) };
  };
  let before: Promise<unknown> = Promise.resolve();
  const made = await sideBySide(
    signal,
    databases.map((plan) => (cancelled: AbortSignal) => {
      if (plan.isRelated) return backUp(plan, cancelled);
      const work = before.then(() => backUp(plan, cancelled));
      before = work.catch(() => undefined);
      return work;
    }),
  );
  await assertApart(
    ready.juju,
    databases
      .filter(({ isRelated }) => !isRelated)
      .map(({ component, application: { name, units } }) => ({
        ...{ component, name },
        unit: units[0]?.name ?? `${name}/0`,
        databaseBackupId: made.find(({ application }) => application === name)?.backupId ?? '',
      })),
    world.application,
  );
  return made;
};

/** Rejects when a database lists the backup of another one: a restore could then mix up the two. */
const assertApart = async (
  juju: JujuModel,
  databases: readonly {
    readonly component: string;
    readonly name: string;
    readonly unit: string;
    readonly databaseBackupId: string;
  }[],
  ours: string,
): Promise<void> => {
  if (databases.length < 2) return;
  for (const { component, name, unit, databaseBackupId } of databases) {
    const { results } = await juju.runAction(unit, 'list-backups', {});
    const other = databases.find(
      (another) =>
        another.name !== name &&
        (another.databaseBackupId === databaseBackupId ||
          statusOfBackup(results['backups'], another.databaseBackupId) !== undefined),
    );
    if (other === undefined) continue;
    throw new CharmError(
      'database-backup-failed',
      `${name} and ${other.name} write their backups to one path in S3, so that one could be restored with the rows of the other. No set was made.` +
        ` Let this charm give each a path of its own: juju remove-relation ${name}:s3-parameters <s3-integrator>, then juju integrate ${ours}:${component} ${name}:s3-parameters.`,
    );
  }
};

/**
 * The path, size and digest of the backup, when this charm gave the database its path. Of another
 * S3 storage only its location is known, if at all.
 */
const findInOurStorage = async (
  { world, ready, claim, layout, noteDatabase }: Backup,
  { component, application, isRelated, location }: DatabasePlan,
  databaseBackupId: string,
): Promise<Pick<DatabaseBackup, 'path' | 'location' | 'size' | 'objects' | 'digest'>> => {
  if (!isRelated) return location === undefined ? {} : { location };
  const path = layout.databasePath(component, claim.generations[component] ?? 1);
  await noteDatabase({ component, path, backupId: databaseBackupId });
  const measured = await measureBackup(ready.target.store, `${path}/${databaseBackupId}`);
  if (measured.objects === 0) {
    throw new CharmError(
      'database-backup-failed',
      `${application.name} says that its backup ${databaseBackupId} is finished, but nothing of it lies under ${path} in bucket ${ready.target.bucket},` +
        ` where this charm told it to write. See juju show-unit ${world.unit} for what it was told, and juju debug-log --include ${application.name}.`,
    );
  }
  return { path, ...measured };
};
