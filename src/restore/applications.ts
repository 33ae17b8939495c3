import { canTakeOver } from '../components/databases/mysql-version.ts';
import { isBackupAt, isListed } from '../components/databases/stored-backup.ts';
import type { Config } from '../config/config.ts';
import { CharmError, orProblem } from '../errors.ts';
import {
  applicationProblem,
  findMlmd,
  lackingActions,
  missingApplication,
  otherUnitsOf,
  readOnlyUser,
  type ApplicationPlan,
} from '../operation/applications.ts';
import { clusterProblem } from '../operation/cluster-status.ts';
import { settledModel, settling } from '../operation/settled-model.ts';
import { isDatabase } from '../repository/layout.ts';
import type { BackupManifest, DatabaseBackup } from '../repository/manifest.ts';
import { ownLocation } from '../repository/storage-location.ts';
import type { ApplicationStatus, JujuModel, Target, World } from '../world.ts';

/** A database that is restored, and the backup that it is restored from. */
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

/** What is restored, and from where. */
interface Wanted {
  /** Undefined when S3 could not be reached, which is reported as another problem. */
  readonly target: Target | undefined;
  /** See `ReadyRestore`. */
  readonly stored: Target | undefined;
  readonly manifest: BackupManifest;
  readonly components: readonly string[];
}

/** Looks at the applications of the components that are restored. Changes nothing. */
export const planApplications = async (
  world: World,
  config: Config,
  juju: JujuModel,
  { target, stored, manifest, components }: Wanted,
): Promise<{
  readonly plan: ApplicationPlan<DatabasePlan>;
  /** The units of our own application besides this one. */
  readonly otherUnits: readonly string[];
  readonly problems: readonly CharmError[];
}> => {
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
        planDatabase({ juju, target, stored }, application, backup, {
          isRelated: related !== undefined,
          path,
        }),
      );
      if (!(plan instanceof CharmError)) return plan;
      problems.push(plan);
      return undefined;
    }),
  );
  const databases = found.filter((plan) => plan !== undefined);
  const mlmd = wantsMlmd
    ? findMlmd(config, find)
    : { mlmd: undefined, metadataWriter: undefined, writer: undefined };
  const otherUnits = otherUnitsOf(world, model.applications.get(world.application));
  return { plan: { databases, ...mlmd }, otherUnits, problems };
};

const planDatabase = async (
  { juju, target, stored }: Pick<Wanted, 'target' | 'stored'> & { readonly juju: JujuModel },
  application: ApplicationStatus,
  backup: DatabaseBackup,
  place: Pick<DatabasePlan, 'isRelated' | 'path'>,
): Promise<DatabasePlan> => {
  const { name, scale } = application;
  const { component, backupId: databaseBackupId, path } = backup;
  if (scale === 0) {
    throw new CharmError(
      'application-unhealthy',
      `${name} has no unit to restore on: juju scale-application ${name} 1`,
    );
  }
  const actions = ['restore', 'list-backups', 'get-cluster-status'];
  const unequipped = await lackingActions(juju, application, actions, 'restored');
  if (unequipped !== undefined) throw unequipped;
  if (!canTakeOver(application.workloadVersion, backup.version)) {
    throw new CharmError(
      'database-version',
      `${name} runs MySQL ${application.workloadVersion}, and its backup was made by ${backup.version}: a database is restored into the same series, of the same or a later patch.` +
        ` Nothing was changed. Refresh ${name} to the revision of that time (juju refresh ${name} --channel=...; it was ${backup.charm}), or leave it out with components=...`,
    );
  }
  const sick = await clusterProblem(juju, application);
  if (sick !== undefined) throw sick;
  const isVisible = await isListed(
    juju,
    application.units[0]?.name ?? `${name}/0`,
    databaseBackupId,
  );
  const canBeCopied =
    place.isRelated && path !== undefined && stored !== undefined
      ? await isBackupAt(stored.store, path, databaseBackupId)
      : false;
  if (isVisible || canBeCopied || target === undefined)
    return { component, application, backup, ...place, isVisible };
  throw new CharmError(
    'backup-missing',
    `${name} does not list its backup ${databaseBackupId}` +
      (path === undefined
        ? `, which was written to an S3 storage of its own: ${ownLocation(backup)}. Relate it to that storage again.`
        : `, and it is not at ${path} in bucket ${target.bucket} either.`),
  );
};
