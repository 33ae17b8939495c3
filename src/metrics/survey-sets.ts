import type { BackupManifest, DatabaseBackup } from '../repository/manifest.ts';
import { componentSizes, listSets } from '../repository/sets.ts';
import { layoutOf } from '../repository/layout.ts';
import { sum } from '../text.ts';
import type { Target } from '../world.ts';
import type { PartFacts, SetFacts } from './facts.ts';

/** So many manifests are looked at for a consistent one. */
const mostLookedAt = 64;

/**
 * What S3 has, by its own word: one listing, and as few manifests as tell. `damaged` is the id of a
 * set that is known not to be restorable.
 */
export const surveySets = async (
  target: Target,
  damaged: string | undefined,
): Promise<SetFacts> => {
  const ids = await completeIds(target);
  const [oldest] = ids;
  const [newest, previous] = await newestSets(target, 2);
  const assured = ids.length === 0 ? undefined : await newestAssured(target, damaged);
  return {
    count: ids.length,
    ...(oldest !== undefined && { oldest }),
    ...(newest && { newest: newestFacts(newest) }),
    ...(previous && { previous: componentSizes(previous) }),
    ...(assured !== undefined && { assured }),
  };
};

/** The oldest first. */
const completeIds = async ({ store, prefix }: Target): Promise<readonly string[]> => {
  const { sets } = layoutOf(prefix);
  const ids: string[] = [];
  for await (const { key } of store.list(sets)) {
    const [id = '', name, ...rest] = key.slice(sets.length).split('/');
    if (name === 'manifest.json' && rest.length === 0) ids.push(id);
  }
  return ids.sort();
};

const newestSets = async (target: Target, limit: number): Promise<readonly BackupManifest[]> => {
  const { sets } = await listSets(target, { limit });
  return sets.flatMap(({ manifest }) => (manifest === undefined ? [] : [manifest]));
};

const newestAssured = async (
  target: Target,
  damaged: string | undefined,
): Promise<string | undefined> =>
  (await newestSets(target, mostLookedAt)).find(
    ({ id, consistent }) => consistent && id !== damaged,
  )?.id;

const newestFacts = (manifest: BackupManifest): NonNullable<SetFacts['newest']> => {
  const { id, started, finished, consistent, databases, mlmd, buckets } = manifest;
  const seconds = (Date.parse(finished) - Date.parse(started)) / 1000;
  const bucketFacts: PartFacts = {
    size: sum(buckets.map(({ size }) => size)),
    objects: sum(buckets.map(({ objects }) => objects)),
    seconds: sum(buckets.map((bucket) => bucket.seconds)),
  };
  return {
    ...{ id, consistent, seconds },
    parts: {
      ...Object.fromEntries(databases.map((database) => [database.component, partOf(database)])),
      ...(mlmd && { mlmd: { size: mlmd.size, seconds: mlmd.seconds } }),
      ...(buckets.length > 0 && { mlpipeline: bucketFacts }),
    },
  };
};

const partOf = ({ size, objects, seconds }: DatabaseBackup): PartFacts => ({
  seconds,
  ...(size !== undefined && { size }),
  ...(objects !== undefined && { objects }),
});
