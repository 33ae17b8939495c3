import type { Config } from '../config.ts';
import { CharmError } from '../errors.ts';
import type { Target, World } from '../world.ts';
import { forget } from './forget.ts';
import { removeSets, type RemovalOptions, type RemovalReport } from './remove-sets.ts';
import type { Survey } from './survey.ts';

/**
 * Removes the sets that the policy does not keep, and all that no set needs, such as what dead backups left. With all `keep-*` at 0 only the
 * latter. Rejects as `removeSets` does.
 */
export const pruneSets = (
  world: World,
  { keep }: Pick<Config, 'keep'>,
  target: Target,
  options: RemovalOptions,
): Promise<RemovalReport> =>
  removeSets(world, target, (survey) => forget(readableSets(survey), keep).remove, options);

/** What the policy counts; one that cannot be read stops the removal later, in words of its own. */
export const readableSets = ({ complete }: Survey): Parameters<typeof forget>[0] =>
  complete.flatMap(({ id, manifest }) =>
    manifest instanceof CharmError ? [] : [{ id, consistent: manifest.consistent }],
  );
