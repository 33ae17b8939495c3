import type { Layout } from '../../repository/layout.ts';
import type { ObjectStore, StoredObject, Target, World } from '../../world.ts';
import { mostGenerations, repositoryName, sessionMetadata } from '../records/names.ts';
import { inTurns } from '../../in-turns.ts';

/** Milliseconds. restic renews a lock every 5 minutes, and calls it stale after 30. */
const stale = 30 * 60_000;

/** Users can leave locks by the thousand; so many are asked about at a time. */
const concurrency = 16;

/**
 * Takes the locks away that processes of ours and of users have left, and says whether somebody
 * else is at work on a repository, such as an operator with restic by hand: there is a lock that
 * did not come through a pod of ours, and that was renewed in the last half an hour. Older ones are
 * taken away, too. To be called while no gateway is open, by who holds the lock of all sessions:
 * nobody can be at work then whose lock came through one.
 */
export const clearLocks = async (
  store: ObjectStore,
  layout: Layout,
  name: string,
  now: Date,
): Promise<boolean> => {
  const locks: StoredObject[] = [];
  for await (const lock of store.list(`${layout.repository(name)}locks/`)) locks.push(lock);
  const left = await inTurns(concurrency, locks, async ({ key, lastModified }) => {
    if (now.getTime() - lastModified.getTime() > stale) return key;
    const found = await store.head(key);
    // One that is gone by now was renewed, or given back, by who is at work there.
    return found !== undefined && sessionMetadata in found.metadata.user ? key : undefined;
  });
  const keys = left.filter((key) => key !== undefined);
  if (keys.length > 0) await store.delete(keys);
  return keys.length < locks.length;
};

/** A session that works on repositories. */
interface Looking {
  readonly target: Pick<Target, 'store'>;
  readonly layout: Layout;
  readonly world: Pick<World, 'clock'>;
  readonly occupied: Set<string>;
}

/**
 * Clears the locks, and remembers for the session when others are at work there: then nothing is
 * removed.
 */
export const noteOthers = async (
  { target, layout, world, occupied }: Looking,
  name: string,
): Promise<void> => {
  if (await clearLocks(target.store, layout, name, world.clock.now())) occupied.add(name);
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
