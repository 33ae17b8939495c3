import type { Layout } from '../repository/layout.ts';
import type { ObjectStore, Target, World } from '../world.ts';
import { mostGenerations, repositoryName } from './names.ts';

/**
 * Takes the locks away that processes of a repository have left, as `restic unlock --remove-all`
 * does. To be called while no gateway is open, by who holds the lock of all sessions: nobody can be
 * at work then who made them.
 */
export const removeLocks = async (
  store: ObjectStore,
  layout: Layout,
  name: string,
): Promise<void> => {
  const locks: string[] = [];
  for await (const { key } of store.list(`${layout.repository(name)}locks/`)) locks.push(key);
  if (locks.length > 0) await store.delete(locks);
};

/** Milliseconds. restic renews a lock every 5 minutes, and calls it stale after 30. */
const stale = 30 * 60_000;

/**
 * Whether somebody else is at work on a repository, such as an operator with restic by hand: there
 * is a lock that was renewed in the last half an hour. Older ones are taken away. To be called
 * before anything of ours has begun on it.
 */
export const isOccupied = async (
  store: ObjectStore,
  layout: Layout,
  name: string,
  now: Date,
): Promise<boolean> => {
  let occupied = false;
  const old: string[] = [];
  for await (const { key, lastModified } of store.list(`${layout.repository(name)}locks/`))
    if (now.getTime() - lastModified.getTime() > stale) old.push(key);
    else occupied = true;
  if (old.length > 0) await store.delete(old);
  return occupied;
};

/** A session that is about to work on repositories. */
interface Looking {
  readonly target: Pick<Target, 'store'>;
  readonly layout: Layout;
  readonly world: Pick<World, 'clock'>;
  readonly occupied: Set<string>;
}

/** Remembers for the session when `isOccupied`, so that nothing is removed there. */
export const noteOthers = async (
  { target, layout, world, occupied }: Looking,
  name: string,
): Promise<void> => {
  if (await isOccupied(target.store, layout, name, world.clock.now())) occupied.add(name);
};

/** The names of all repositories that these namespaces have had. */
export const repositoryNames = async (
  store: ObjectStore,
  layout: Layout,
  namespaces: readonly string[],
): Promise<readonly string[]> => {
  const names: string[] = [];
  for (const namespace of namespaces)
    for (let generation = 1; generation <= mostGenerations; generation += 1) {
      const name = repositoryName(namespace, generation);
      if (!(await store.head(layout.volumeRepository(name)))) break;
      names.push(name);
    }
  return names;
};
