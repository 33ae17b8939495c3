import type { Config } from '../config.ts';
import type { Target, World } from '../world.ts';
import { pruneSets } from './prune.ts';
import type { RemovalReport } from './remove-sets.ts';

/**
 * The end of a backup: what `prune` does, when there is a policy and a set to remove. Undefined when there is no policy. Takes the prefix's lock, so the backup must
 * have given it back, or be of this unit.
 */
export const applyRetention = async (
  world: World,
  config: Pick<Config, 'keep'>,
  target: Target,
): Promise<RemovalReport | undefined> => {
  if (Object.values(config.keep).every((count) => count === 0)) return undefined;
  return pruneSets(world, config, target, { dryRun: false, onlySets: true });
};
