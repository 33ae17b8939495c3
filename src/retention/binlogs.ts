import { databaseEndpoints } from '../config/components.ts';
import { readClaim } from '../repository/claim.ts';
import { generationOf, layoutOf } from '../repository/layout.ts';
import type { Target } from '../world.ts';

/** Sizes are bytes. */
interface Binlogs {
  readonly objects: number;
  readonly size: number;
}

/**
 * What databases keep of their binary logs below the paths that they were given: `current`, where
 * they write now, and `former`, where they wrote before a restore moved them on. They belong to the
 * databases and are never removed here. Nothing is needed of the former ones once no set names a
 * backup there.
 */
export const countBinlogs = async (
  target: Target,
): Promise<{ readonly current: Binlogs; readonly former: Binlogs }> => {
  const { store, prefix } = target;
  const layout = layoutOf(prefix);
  const generations = (await readClaim(target))?.claim.generations ?? {};
  const current = { objects: 0, size: 0 };
  const former = { objects: 0, size: 0 };
  for await (const place of store.listPrefixes(`${prefix}/`))
    for (const endpoint of databaseEndpoints) {
      const generation = generationOf(layout, endpoint, place.slice(0, -1));
      if (generation === undefined) continue;
      const counted = generation < (generations[endpoint] ?? 1) ? former : current;
      for await (const { size } of store.list(`${place}binlogs/`)) {
        counted.objects += 1;
        counted.size += size;
      }
    }
  return { current, former };
};
