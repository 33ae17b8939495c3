import { pruneSets } from '../retention/prune.ts';
import type { Action } from './action.ts';
import { removalResults } from './removal-results.ts';

/** Removes the sets that the `keep-*` options do not keep, and what no set needs. */
export const prune: Action = async (world, config, parameters) => {
  const dryRun = parameters['dry-run'] === true;
  const target = await world.openTarget();
  await using _store = target.store;
  return removalResults(await pruneSets(world, config, target, { dryRun }), dryRun);
};
