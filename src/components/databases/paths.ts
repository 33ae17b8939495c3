import { databaseEndpoints } from '../../config/components.ts';
import { hasCode, CharmError } from '../../errors.ts';
import { readClaim, writeClaim, type Claim } from '../../repository/claim.ts';
import { generationOf, layoutOf } from '../../repository/layout.ts';
import type { Target, World } from '../../world.ts';

type PathWorld = Pick<World, 'journal' | 'model' | 'handPath' | 'handedPath'>;

/**
 * Moves a database to its next path, from `<prefix>/kfp-db` to `<prefix>/kfp-db-2` and so on,
 * because mysql-k8s does not write where it was restored from (its new cluster has another group id
 * than the one that claimed the path). Resolves with the new path. Juju tells the database when the
 * action ends. Resolves to undefined, and changes nothing, when the prefix belongs to another
 * model.
 */
export const moveToNextPath = async (
  world: PathWorld,
  target: Target,
  component: string,
): Promise<string | undefined> => {
  const { model } = world;
  const claim = await changeClaim(target, async (found) => {
    if (found !== undefined && found.model.uuid !== model.uuid) return undefined;
    const generation = (await newestGeneration(world, target, found, component)) + 1;
    // Before the claim: if we are killed in between, the next hook hands the path out, and the next
    // backup updates the claim.
    await world.journal.setDatabasePath(component, pathOf(target, component, generation));
    return { format: 1, model, generations: { ...found?.generations, [component]: generation } };
  });
  const generation = claim?.generations[component];
  return generation === undefined ? undefined : handOut(world, target, component, generation);
};

/**
 * Takes over a prefix that belongs to another model. All databases get new paths, because the other
 * model's clusters have claimed the old ones. Changes nothing when the prefix is ours already.
 * Resolves with the new paths by database.
 */
export const takeOverPath = async (
  world: PathWorld,
  target: Target,
): Promise<ReadonlyMap<string, string>> => {
  const { model } = world;
  const paths = new Map<string, string>();
  const claim = await changeClaim(target, async (found) => {
    if (found === undefined || found.model.uuid === model.uuid) return undefined;
    const generations: Record<string, number> = { ...found.generations };
    for (const endpoint of databaseEndpoints)
      generations[endpoint] = (await newestGeneration(world, target, found, endpoint)) + 1;
    return { format: 1, model, generations };
  });
  if (claim === undefined) return paths;
  for (const endpoint of databaseEndpoints)
    paths.set(endpoint, await handOut(world, target, endpoint, claim.generations[endpoint] ?? 1));
  return paths;
};

/**
 * Hands a database the path of a generation, and notes it in the journal, so that hooks hand out
 * the same one.
 */
const handOut = async (
  { journal, handPath }: PathWorld,
  target: Target,
  component: string,
  generation: number,
): Promise<string> => {
  const path = pathOf(target, component, generation);
  // If we are killed before Juju has taken it, the next hook finds it in the journal.
  await journal.setDatabasePath(component, path);
  await handPath(component, path);
  return path;
};

/**
 * The newest generation that is known from any source. The claim may be out of date or lost; paths
 * that were written to are found in the bucket.
 */
const newestGeneration = async (
  { journal, handedPath }: PathWorld,
  { store, prefix }: Target,
  claim: Claim | undefined,
  component: string,
): Promise<number> => {
  const paths: (string | undefined)[] = [await handedPath(component)];
  paths.push((await journal.databasePaths())[component]);
  for await (const place of store.listPrefixes(`${prefix}/`)) paths.push(place.slice(0, -1));
  const known = paths.map((path) => generationOf(layoutOf(prefix), component, path) ?? 1);
  return Math.max(claim?.generations[component] ?? 1, ...known);
};

const pathOf = ({ prefix }: Target, component: string, generation: number): string =>
  layoutOf(prefix).databasePath(component, generation);

/** Changes the claim by `change`; does nothing when that gives undefined. */
const changeClaim = async (
  target: Target,
  change: (claim: Claim | undefined) => Promise<Claim | undefined>,
): Promise<Claim | undefined> => {
  for (;;) {
    const found = await readClaim(target);
    const claim = await change(found?.claim);
    if (claim === undefined) return undefined;
    try {
      await writeClaim(target, claim, found?.etag);
      return claim;
    } catch (error) {
      // Another operation has written it meanwhile.
      if (!hasCode(error, 'object-changed')) throw error;
    }
  }
};

/** A database that gets its path from us, as a preflight found it. */
export interface HandedDatabase {
  readonly component: string;
  readonly application: string;
  /** The problem when it cannot write to the path that it was handed. */
  readonly problem?: CharmError;
}

/**
 * Hands each database a path that it can write to. That is the path in the claim, which a charm
 * that was deployed again does not know; the next one, when another cluster has written to its path
 * (the database was deployed again, or restored by hand); and new ones for all databases, when the
 * prefix is taken over from another model, which the preflight has allowed.
 *
 * Juju tells a database only when the action has ended. So when a path was handed out, this action
 * has to end: rejects with `database-path-moved`. Rejects with the problem of a database that
 * cannot be moved. Resolves when nothing had to be done.
 */
export const moveDatabasesOn = async (
  world: PathWorld,
  { target, handed }: { readonly target: Target; readonly handed: readonly HandedDatabase[] },
): Promise<void> => {
  const taken = await takeOverPath(world, target);
  const claim = (await readClaim(target))?.claim;
  const moved: string[] = [];
  for (const { component, application, problem } of handed) {
    const move = async (): Promise<string | undefined> => {
      if (taken.has(component)) return taken.get(component);
      const told = await world.handedPath(component);
      // It was not handed a path yet; the hooks do that.
      if (told === undefined) return undefined;
      const claimed = claim?.generations[component] ?? 1;
      if ((generationOf(layoutOf(target.prefix), component, told) ?? 0) < claimed)
        return handOut(world, target, component, claimed);
      return problem && moveToNextPath(world, target, component);
    };
    const path = await move();
    if (path !== undefined) moved.push(`${application} to ${path}`);
    else if (problem !== undefined) throw problem;
  }
  if (moved.length > 0) throw movedError(moved);
};

const movedError = (moved: readonly string[]): CharmError =>
  new CharmError(
    'database-path-moved',
    `Another cluster has written to the path of these databases, so they get new paths: ${moved.join(', ')}. Juju tells them` +
      ' when this action has ended. No backup was made. Run the action again in a minute.',
  );
