import type { HandedDatabase } from '../components/databases/paths.ts';
import { type DatabaseEndpoint, databaseEndpoints } from '../config/components.ts';
import type { Config } from '../config/config.ts';
import type { StorageLocation } from '../config/database-locations.ts';
import { CharmError } from '../errors.ts';
import {
  applicationProblem,
  findMlmd,
  lackingActions,
  missingApplication,
  otherUnitsOf,
  readOnlyUser,
  type ApplicationPlan,
} from '../operation/applications.ts';
import { clusterProblem, saidBy } from '../operation/cluster-status.ts';
import { settledModel, settling } from '../operation/settled-model.ts';
import type { ApplicationStatus, JujuModel, World } from '../world.ts';
import { ownStorage } from './own-storage.ts';

export interface DatabasePlan {
  readonly component: string;
  readonly application: ApplicationStatus;
  /** Whether it writes to the path that we hand it, or to an S3 storage of its own. */
  readonly isRelated: boolean;
  /** Where its own S3 storage is; undefined when it has none, and when nobody can tell. */
  readonly location: StorageLocation | undefined;
  /** How many units it has while it is backed up; never fewer than it has. */
  readonly units: number;
  readonly timeoutSeconds: number;
}

/**
 * Looks at the applications of the configured components, and changes nothing. Runs the databases'
 * own actions that tell their state.
 */
export const planApplications = async (
  world: World,
  config: Config,
  juju: JujuModel,
  timeoutSeconds: number,
): Promise<{
  readonly plan: ApplicationPlan<DatabasePlan>;
  readonly handed: readonly HandedDatabase[];
  /** The units of our own application besides this one. */
  readonly otherUnits: readonly string[];
  readonly problems: readonly CharmError[];
}> => {
  const problems: CharmError[] = [];
  if (juju.access === 'read') problems.push(readOnlyUser(world, juju));
  const related = new Map<DatabaseEndpoint, string | undefined>();
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
      location:
        relatedTo === undefined
          ? ((await ownStorage(juju, application)) ?? config.databaseLocations[component])
          : undefined,
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

  const mlmd = config.components.includes('mlmd')
    ? findMlmd(config, find)
    : { mlmd: undefined, metadataWriter: undefined, writer: undefined };
  const otherUnits = otherUnitsOf(world, model.applications.get(world.application));
  return { plan: { databases, ...mlmd }, handed, otherUnits, problems };
};

const databaseProblems = async (
  world: World,
  juju: JujuModel,
  { component, application, isRelated }: DatabasePlan,
): Promise<CharmError[]> => {
  const { name } = application;
  const actions = ['create-backup', 'list-backups', 'get-cluster-status'];
  const unequipped = await lackingActions(juju, application, actions, 'backed up');
  if (unequipped !== undefined) return [unequipped];
  const problems: CharmError[] = [];
  const sick = await clusterProblem(juju, application);
  if (sick !== undefined) problems.push(sick);
  const unit = application.units[0]?.name ?? `${name}/0`;
  const listing = await juju.runAction(unit, 'list-backups', {});
  if (listing.status !== 'completed')
    problems.push(
      isRelated
        ? new CharmError(
            'database-store-unreachable',
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

/** How to make a backup without an application that the model does not have, as a sentence. */
const withoutIt = ({ application }: World, { components }: Config, role: string): string => {
  if (role === 'metadata-writer-application')
    return `If there is none: juju config ${application} ${role}=''`;
  const component = role === 'mlmd-application' ? 'mlmd' : role;
  const others = components.filter((name) => name !== component);
  return others.length === 0
    ? ''
    : `Or back up without it: juju config ${application} components=${others.join(',')}`;
};
