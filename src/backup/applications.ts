import type { HandedDatabase } from '../components/databases/paths.ts';
import { databaseEndpoints, type Config } from '../config/config.ts';
import { CharmError } from '../errors.ts';
import { applicationProblem, missingApplication, readOnlyUser } from '../operation/applications.ts';
import { clusterStatus, faultOf, saidBy } from '../operation/cluster-status.ts';
import { settledModel, settling } from '../operation/settled-model.ts';
import type { ApplicationStatus, JujuModel, World } from '../world.ts';

export interface DatabasePlan {
  readonly component: string;
  readonly application: ApplicationStatus;
  /** Whether it writes to the path that we hand it, or to an S3 storage of its own. */
  readonly isRelated: boolean;
  /** How many units it has while it is backed up; never fewer than it has. */
  readonly units: number;
  readonly timeoutSeconds: number;
}

/** The applications that a backup deals with, as they are now. */
export interface ApplicationPlan {
  readonly databases: readonly DatabasePlan[];
  readonly mlmd: ApplicationStatus | undefined;
  /**
   * Stopped while ML Metadata is dumped; undefined when none is configured or it has no units
   * anyway.
   */
  readonly metadataWriter: ApplicationStatus | undefined;
}

/**
 * Looks at the applications of the configured components. Changes nothing; asks the databases for
 * their state by their own actions.
 */
export const planApplications = async (
  world: World,
  config: Config,
  juju: JujuModel,
  timeoutSeconds: number,
): Promise<{
  readonly plan: ApplicationPlan;
  readonly handed: readonly HandedDatabase[];
  readonly problems: readonly CharmError[];
}> => {
  const problems: CharmError[] = [];
  if (juju.access === 'read') problems.push(readOnlyUser(world, juju));
  const related = new Map<string, string | undefined>();
  for (const component of databaseEndpoints)
    if (config.components.includes(component))
      related.set(component, await world.relatedDatabase(component));
  const model = await settledModel({ ...settling(world), juju }, [
    ...[...related].map(([component, application]) => application ?? component),
    ...(config.components.includes('mlmd')
      ? [config.mlmdApplication, config.metadataWriterApplication]
      : []),
  ]);
  const look = (name: string, role: string): ApplicationStatus | CharmError => {
    const application = model.applications.get(name);
    if (application === undefined)
      return missingApplication(world, name, role, withoutIt(world, config, role));
    return applicationProblem(world, application, role, { mayBeClaimed: false }) ?? application;
  };
  const find = (name: string, role: string): ApplicationStatus | undefined => {
    const found = look(name, role);
    if (!(found instanceof CharmError)) return found;
    problems.push(found);
    return undefined;
  };

  const handed: HandedDatabase[] = [];
  const databases: DatabasePlan[] = [];
  for (const [component, relatedTo] of related) {
    const application = look(relatedTo ?? component, component);
    if (application instanceof CharmError) {
      if (relatedTo !== undefined && application.code === 'database-claimed')
        handed.push({ component, application: relatedTo, problem: application });
      else problems.push(application);
      continue;
    }
    if (relatedTo !== undefined) handed.push({ component, application: relatedTo });
    databases.push({
      component,
      application,
      isRelated: relatedTo !== undefined,
      units: Math.max(application.scale, config.databaseUnits),
      timeoutSeconds,
    });
  }
  if (juju.access !== 'read') {
    const found = await Promise.all(
      databases.map((database) => databaseProblems(world, juju, database)),
    );
    problems.push(...found.flat());
  }

  const wantsMlmd = config.components.includes('mlmd');
  const mlmd = wantsMlmd ? find(config.mlmdApplication, 'mlmd-application') : undefined;
  const writer =
    wantsMlmd && config.metadataWriterApplication !== ''
      ? find(config.metadataWriterApplication, 'metadata-writer-application')
      : undefined;
  const metadataWriter = writer !== undefined && writer.scale > 0 ? writer : undefined;
  return { plan: { databases, mlmd, metadataWriter }, handed, problems };
};

const databaseProblems = async (
  world: World,
  juju: JujuModel,
  { component, application, isRelated }: DatabasePlan,
): Promise<CharmError[]> => {
  const { name } = application;
  const defined = await juju.actionNames(name);
  const lacking = ['create-backup', 'list-backups', 'get-cluster-status'].filter(
    (action) => !defined.includes(action),
  );
  if (lacking.length > 0) {
    return [
      new CharmError(
        'application-unequipped',
        `The charm of ${name} (${application.charm}) has no action ${lacking.join(', ')}, so it cannot be backed up.` +
          ` Is it mysql-k8s? Which application to back up is decided by the relation to our endpoint.`,
      ),
    ];
  }
  const problems: CharmError[] = [];
  try {
    const fault = faultOf(await clusterStatus(juju, application), application.units.length);
    if (fault !== undefined) problems.push(sick(application, fault));
  } catch (error) {
    if (!(error instanceof CharmError)) throw error;
    problems.push(error);
  }
  const unit = application.units[0]?.name ?? `${name}/0`;
  const listing = await juju.runAction(unit, 'list-backups', {});
  if (listing.status !== 'completed')
    problems.push(
      isRelated
        ? new CharmError(
            'database-unhealthy',
            `${name} cannot reach its S3 storage: ${saidBy(listing)}. It was handed the same endpoint and bucket as this charm: check that it can reach them;` +
              ` see juju debug-log --include ${unit}.`,
          )
        : new CharmError(
            'relation-missing',
            `${name} has no S3 storage that it can reach (${saidBy(listing)}), and is not related to this charm. Run: juju integrate ${world.application}:${component} ${name}:s3-parameters`,
          ),
    );
  return problems;
};

const sick = ({ name }: ApplicationStatus, fault: string): CharmError =>
  new CharmError(
    'database-unhealthy',
    `${name} is not healthy: ${fault}. See juju run ${name}/leader get-cluster-status.`,
  );

/** How a backup is made without what the model does not have. */
const withoutIt = ({ application }: World, { components }: Config, role: string): string => {
  if (role === 'metadata-writer-application')
    return `If there is none: juju config ${application} ${role}=''`;
  const component = role === 'mlmd-application' ? 'mlmd' : role;
  const others = components.filter((name) => name !== component);
  return others.length === 0
    ? ''
    : `Or back up without it: juju config ${application} components=${others.join(',')}`;
};
