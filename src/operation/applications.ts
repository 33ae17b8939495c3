import { CharmError } from '../errors.ts';
import type { JujuModel, World } from '../world.ts';

/*
 * What an operator is told of the applications that a backup or a restore needs, alike in both.
 */

/**
 * The application is not in the model. It is the relation or option that led to its name that has to be put right.
 *
 * @param role what it was looked for as: one of our database endpoints, or the option that names it
 * @param otherwise how to do without it, as a sentence; empty when one cannot
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
