import { canTakeOver } from '../components/databases/mysql-version.ts';
import { isBackupAt, isListed } from '../components/databases/stored-backup.ts';
import type { Config } from '../config/config.ts';
import { CharmError, orProblem } from '../errors.ts';
import { applicationProblem, missingApplication, readOnlyUser } from '../operation/applications.ts';
import { clusterStatus, faultOf } from '../operation/cluster-status.ts';
import { settledModel, settling } from '../operation/settled-model.ts';
import { isDatabase } from '../repository/layout.ts';
import type { BackupManifest, DatabaseBackup } from '../repository/manifest.ts';
import type { ApplicationStatus, JujuModel, Target, World } from '../world.ts';

/** A database that is to become what a backup of it holds. */
export interface DatabasePlan {
  readonly component: string;
  readonly application: ApplicationStatus;
  readonly backup: DatabaseBackup;
  /** Whether it reads from the path that we hand it, or from an S3 storage of its own. */
  readonly isRelated: boolean;
  /** Where it looks for backups until this action ends; undefined when it is not known. */
  readonly path: string | undefined;
  /** Whether its own `list-backups` names the backup, so that nothing has to be copied before. */
  readonly isVisible: boolean;
}

/** The applications that a restore deals with, as they are now. */
export interface ApplicationPlan {
  readonly databases: readonly DatabasePlan[];
  readonly mlmd: ApplicationStatus | undefined;
  /**
   * Stopped while ML Metadata is restored; undefined when none is configured or it has no units
   * anyway.
   */
  readonly metadataWriter: ApplicationStatus | undefined;
}

/** Looks at the applications of the components that are restored. Changes nothing. */
export const planApplications = async (
  world: World,
  config: Config,
  juju: JujuModel,
  target: Target | undefined,
  manifest: BackupManifest,
  components: readonly string[],
): Promise<{ readonly plan: ApplicationPlan; readonly problems: readonly CharmError[] }> => {
  const problems: CharmError[] = [];
  if (juju.access === 'read') problems.push(readOnlyUser(world, juju));
  const wanted = await Promise.all(
    manifest.databases
      .filter(({ component }) => components.includes(component))
      .map(async (backup) => ({
        backup,
        related: await world.relatedDatabase(backup.component),
      })),
  );
  const wantsMlmd = components.includes('mlmd') && manifest.mlmd !== undefined;
  const model = await settledModel({ ...settling(world), juju }, [
    ...wanted.map(({ backup, related }) => related ?? backup.component),
    ...(wantsMlmd ? [config.mlmdApplication, config.metadataWriterApplication] : []),
  ]);
  const find = (name: string, role: string): ApplicationStatus | undefined => {
    const application = model.applications.get(name);
    const problem =
      application === undefined
        ? missingApplication(world, name, role, 'Or restore the other components only.')
        : applicationProblem(world, application, role, { mayBeClaimed: isDatabase(role) });
    if (problem !== undefined) problems.push(problem);
    return problem === undefined ? application : undefined;
  };

  const found = await Promise.all(
    wanted.map(async ({ backup, related }) => {
      const application = find(related ?? backup.component, backup.component);
      if (application === undefined || juju.access === 'read') return undefined;
      const path = related && (await world.handedPath(backup.component));
      const plan = await orProblem(() =>
        planDatabase(juju, target, application, backup, { isRelated: related !== undefined, path }),
      );
      if (!(plan instanceof CharmError)) return plan;
      problems.push(plan);
      return undefined;
    }),
  );
  const databases = found.filter((plan) => plan !== undefined);
  const mlmd = wantsMlmd ? find(config.mlmdApplication, 'mlmd-application') : undefined;
  const writer =
    wantsMlmd && config.metadataWriterApplication !== ''
      ? find(config.metadataWriterApplication, 'metadata-writer-application')
      : undefined;
  const metadataWriter = writer !== undefined && writer.scale > 0 ? writer : undefined;
  return { plan: { databases, mlmd, metadataWriter }, problems };
};

const planDatabase = async (
  juju: JujuModel,
  target: Target | undefined,
  application: ApplicationStatus,
  backup: DatabaseBackup,
  place: Pick<DatabasePlan, 'isRelated' | 'path'>,
): Promise<DatabasePlan> => {
  const { name, scale } = application;
  const { component, backupId, path } = backup;
  if (scale === 0) {
    throw new CharmError(
      'application-unhealthy',
      `${name} has no unit to restore on: juju scale-application ${name} 1`,
    );
  }
  const defined = await juju.actionNames(name);
  const lacking = ['restore', 'list-backups', 'get-cluster-status'].filter(
    (action) => !defined.includes(action),
  );
  if (lacking.length > 0) {
    throw new CharmError(
      'application-unequipped',
      `The charm of ${name} (${application.charm}) has no action ${lacking.join(', ')}, so it cannot be restored. Is it mysql-k8s?`,
    );
  }
  if (!canTakeOver(application.workloadVersion, backup.version)) {
    throw new CharmError(
      'database-version',
      `${name} runs MySQL ${application.workloadVersion}, and its backup was made by ${backup.version}: a database is restored into the same series, of the same or a later patch.` +
        ` Nothing was changed. Refresh ${name} to the revision of that time (juju refresh ${name} --channel=...; it was ${backup.charm}), or leave it out with components=...`,
    );
  }
  const fault = faultOf(await clusterStatus(juju, application), application.units.length);
  if (fault !== undefined) {
    throw new CharmError(
      'database-unhealthy',
      `${name} is not healthy: ${fault}. See juju run ${name}/leader get-cluster-status.`,
    );
  }
  const isVisible = await isListed(juju, application.units[0]?.name ?? `${name}/0`, backupId);
  const canBeCopied =
    place.isRelated && path !== undefined && target !== undefined
      ? await isBackupAt(target.store, path, backupId)
      : false;
  if (isVisible || canBeCopied || target === undefined)
    return { component, application, backup, ...place, isVisible };
  throw new CharmError(
    'backup-missing',
    `${name} does not list its backup ${backupId}` +
      (path === undefined
        ? `, which was written to an S3 storage of its own. Relate it to that storage again.`
        : `, and it is not at ${path} in bucket ${target.bucket} either.`),
  );
};
