import type { Config } from '../config/config.ts';
import { CharmError } from '../errors.ts';
import { countText } from '../text.ts';
import { says } from '../wordings.ts';
import type { ApplicationStatus, JujuModel, World } from '../world.ts';

/*
 * What an operator is told about the applications that a backup or a restore needs.
 */

/** The applications that a backup or a restore deals with, as they are now. */
export interface ApplicationPlan<Database> {
  readonly databases: readonly Database[];
  readonly mlmd: ApplicationStatus | undefined;
  /**
   * Stopped while ML Metadata is worked on; undefined when none is configured or it has no units
   * anyway.
   */
  readonly metadataWriter: ApplicationStatus | undefined;
  /** The same, also when it has no units. */
  readonly writer: ApplicationStatus | undefined;
}

/** The applications of ML Metadata. `find` notes a problem and gives undefined for it. */
export const findMlmd = (
  { mlmdApplication, metadataWriterApplication }: Config,
  find: (name: string, role: string) => ApplicationStatus | undefined,
): Omit<ApplicationPlan<unknown>, 'databases'> => {
  const mlmd = find(mlmdApplication, 'mlmd-application');
  const writer =
    metadataWriterApplication === ''
      ? undefined
      : find(metadataWriterApplication, 'metadata-writer-application');
  const metadataWriter = writer !== undefined && writer.scale > 0 ? writer : undefined;
  return { mlmd, metadataWriter, writer };
};

/**
 * The error when an application is not in the model. It names the relation or the option to
 * correct.
 *
 * @param role what it was looked for as: one of our database endpoints, or the option that names it
 * @param otherwise how to do without it, as a sentence; empty when that is not possible
 */
export const missingApplication = (
  { application, model }: Pick<World, 'application' | 'model'>,
  name: string,
  role: string,
  otherwise: string,
): CharmError =>
  new CharmError(
    'application-missing',
    [
      `There is no application ${name} in the model ${model.name}.`,
      role.endsWith('-application')
        ? `Name the one that there is: juju config ${application} ${role}=<application>.`
        : `Relate the database that there is: juju integrate ${application}:${role} <database>:s3-parameters.`,
      otherwise,
    ]
      .join(' ')
      .trim(),
  );

export const readOnlyUser = ({ model }: Pick<World, 'model'>, { user }: JujuModel): CharmError =>
  new CharmError(
    'juju-read-only',
    `The Juju user ${user} of the option juju-credentials may only read the model ${model.name}, but scaling and running actions need write access:` +
      ` juju grant ${user} write ${model.name}`,
  );

/**
 * Why an operation cannot work with an application; undefined when it is well. When another cluster
 * has claimed its S3 path, mysql-k8s blocks the application and goes on serving. That is
 * `database-claimed`. With `mayBeClaimed` it is no problem: such a database can be restored.
 */
export const applicationProblem = (
  us: Pick<World, 'application'>,
  application: ApplicationStatus,
  role: string,
  { mayBeClaimed }: { readonly mayBeClaimed: boolean },
): CharmError | undefined => {
  const { name, life, status, units, scale } = application;
  const problem = (text: string): CharmError => new CharmError('application-unhealthy', text);
  if (life !== 'alive') return problem(`The application ${name} is being removed.`);
  const isRefused = ['blocked', 'error'].includes(status.status);
  const isClaimed = isRefused && says(status.message, 'pathRefused');
  if (isClaimed && !mayBeClaimed) return claimed(us, application, role);
  const ill = units.find(
    ({ workload, agent }) => workload.status !== 'active' || agent.status === 'error',
  );
  if (ill !== undefined) {
    const said = ill.workload.message || ill.agent.message;
    return problem(
      `Unit ${ill.name} is ${ill.workload.status}${said && ` (${said})`}, so ${name} is left alone. See juju status ${name}.`,
    );
  }
  if (isRefused && !isClaimed)
    return problem(`${name} is ${status.status} (${status.message}). See juju status ${name}.`);
  if (units.length !== scale) {
    return problem(
      `${name} has ${countText(units.length, 'unit')} of ${scale} wanted, so its scale is changing. Try again when all units are there.`,
    );
  }
  return undefined;
};

/**
 * The problem when the charm of a database lacks one of these actions; undefined when it has all of
 * them.
 *
 * @param purpose such as `backed up`
 */
export const lackingActions = async (
  juju: JujuModel,
  { name, charm }: ApplicationStatus,
  actions: readonly string[],
  purpose: string,
): Promise<CharmError | undefined> => {
  const defined = await juju.actionNames(name);
  const lacking = actions.filter((action) => !defined.includes(action));
  if (lacking.length === 0) return undefined;
  return new CharmError(
    'application-unequipped',
    `The charm of ${name} (${charm}) has no action ${lacking.join(', ')}, so it cannot be ${purpose}. Is it mysql-k8s?` +
      ` Which application is the database is decided by the relation to this charm's endpoint.`,
  );
};

const claimed = (
  us: Pick<World, 'application'>,
  { name, status }: ApplicationStatus,
  role: string,
): CharmError =>
  new CharmError(
    'database-claimed',
    `${name} refuses to write backups: "${status.message}". Its S3 path was written by another cluster; it needs a path of its own.` +
      ` Relate it to this charm instead of sharing an s3-integrator: juju remove-relation ${name}:s3-parameters <s3-integrator>,` +
      ` then juju integrate ${us.application}:${role} ${name}:s3-parameters`,
  );

/** The other units of our application whose agents are there; one that runs a hook helps later. */
export const otherUnitsOf = (
  { unit }: Pick<World, 'unit'>,
  ours: ApplicationStatus | undefined,
): readonly string[] =>
  (ours?.units ?? [])
    .filter(({ name, agent }) => name !== unit && ['idle', 'executing'].includes(agent.status))
    .map(({ name }) => name);
