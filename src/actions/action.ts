import type { Config } from '../config.ts';
import type { World } from '../world.ts';

/**
 * What runs when an operator says `juju run <unit> <action>`.
 *
 * @param parameters as actions.yaml describes them, checked and with their defaults by Juju
 * @returns the results: flat and short, keys in lower case with hyphens. Rejects with a CharmError for every
 * failure that an operator can meet.
 */
export type Action = (
  world: World,
  config: Config,
  parameters: Readonly<Record<string, unknown>>,
) => Promise<Readonly<Record<string, string>>>;
