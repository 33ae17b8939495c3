import { countBinlogs } from '../retention/binlogs.ts';
import { pruneSets } from '../retention/prune.ts';
import type { RemovalReport } from '../retention/remove-sets.ts';
import { countText, listText, sizeText } from '../text.ts';
import type { Action } from './action.ts';

/** Removes the sets that the `keep-*` options do not keep, and everything that no set needs. */
export const prune: Action = async (world, config, parameters) => {
  const dryRun = parameters['dry-run'] === true;
  const target = await world.openTarget('retention');
  await using _store = target.store;
  const results = removalResults(
    await pruneSets(world, config, target, {
      dryRun,
      allowUnsigned: parameters['allow-unsigned'] === true,
    }),
    dryRun,
  );
  const binlogs = await countBinlogs(target);
  for (const [name, { objects, size }] of [
    ['binlogs', binlogs.current],
    ['former-binlogs', binlogs.former],
  ] as const)
    if (objects > 0) results[name] = `${countText(objects, 'object')}, ${sizeText(size)}`;
  return results;
};

/** What a removal did, or would do, as results of an action. */
export const removalResults = (
  { removed, leftovers, kept, objects, bytes }: RemovalReport,
  dryRun: boolean,
): Record<string, string> => ({
  'dry-run': String(dryRun),
  removed: removed.length === 0 ? 'none' : listText(removed, 20, 2000),
  'removed-sets': String(removed.length),
  'kept-sets': String(kept),
  ...(leftovers.length > 0 && { leftovers: listText(leftovers, 20, 2000) }),
  objects: String(objects),
  size: sizeText(bytes),
  bytes: String(bytes),
});
