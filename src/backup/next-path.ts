import { readClaim, type Claim } from '../backup/claim.ts';
import { layoutOf } from '../backup/layout.ts';
import { databaseEndpoints } from '../config.ts';
import { hasCode } from '../errors.ts';
import type { Target, World } from '../world.ts';

export type PathWorld = Pick<World, 'journal' | 'model' | 'handPath'>;

/**
 * Counts a database's path up, from `<prefix>/kfp-db` to `<prefix>/kfp-db-2` and so on, because mysql-k8s does not write where it was restored from
 * (its new cluster has another group id than the one that claimed the path). Resolves with the new path, which the database learns when the
 * action ends; undefined, with nothing changed, when the prefix belongs to another model.
 */
export const moveToNextPath = async (
  world: PathWorld,
  target: Target,
  component: string,
): Promise<string | undefined> => {
  const { model } = world;
  const claim = await changeClaim(target, (found) => {
    if (found !== undefined && found.model.uuid !== model.uuid) return undefined;
    return { format: 1, model, generations: countedUp(found, [component]) };
  });
  const generation = claim?.generations[component];
  return generation === undefined ? undefined : handOut(world, target, component, generation);
};

/**
 * Makes a prefix ours that belongs to another model. All databases move on, because their paths were claimed by the clusters of the model that had
 * them before. Nothing is changed when the prefix is ours already.
 */
export const takeOverPath = async (world: PathWorld, target: Target): Promise<void> => {
  const { model } = world;
  const claim = await changeClaim(target, (found) =>
    found === undefined || found.model.uuid === model.uuid
      ? undefined
      : { format: 1, model, generations: countedUp(found, databaseEndpoints) },
  );
  if (claim === undefined) return;
  for (const endpoint of databaseEndpoints)
    await handOut(world, target, endpoint, claim.generations[endpoint] ?? 1);
};

const handOut = async (
  { journal, handPath }: PathWorld,
  target: Target,
  component: string,
  generation: number,
): Promise<string> => {
  const path = layoutOf(target.prefix).databasePath(component, generation);
  // When we are killed before Juju has heard of it, the next hook finds it in the journal.
  await journal.setDatabasePath(component, path);
  await handPath(component, path);
  return path;
};

const countedUp = (
  claim: Claim | undefined,
  databases: readonly string[],
): Claim['generations'] => ({
  ...claim?.generations,
  ...Object.fromEntries(databases.map((name) => [name, (claim?.generations[name] ?? 1) + 1])),
});

/** Writes what `change` makes of the claim, unless that is undefined. */
const changeClaim = async (
  target: Target,
  change: (claim: Claim | undefined) => Claim | undefined,
): Promise<Claim | undefined> => {
  for (;;) {
    const found = await readClaim(target);
    const claim = change(found?.claim);
    if (claim === undefined) return undefined;
    try {
      await target.store.put(
        layoutOf(target.prefix).claim,
        `${JSON.stringify(claim, undefined, 2)}\n`,
        {
          metadata: { contentType: 'application/json' },
          ...(found === undefined ? { ifAbsent: true } : { ifMatch: found.etag }),
        },
      );
      return claim;
    } catch (error) {
      // Either somebody else wrote it, or a PUT whose reply was lost was sent again: counting once more than needed does no harm.
      if (!hasCode(error, 'object-exists', 'object-changed')) throw error;
    }
  }
};
