import type { BackupManifest, DatabaseBackup } from '../repository/manifest.ts';
import { proofOfDamage, readProofs } from '../repository/proofs.ts';
import { type SetPage, componentSizes, listSets } from '../repository/sets.ts';
import { layoutOf } from '../repository/layout.ts';
import { sum } from '../text.ts';
import type { Target } from '../world.ts';
import type { PartFacts, SetFacts } from './facts.ts';

/** How many sets are read at a time, and how many at most to find one that can be relied on. */
const atATime = 16;
const mostLookedAt = 64;

/** What S3 has: the ids of all sets, and only as many manifests and proofs as are needed. */
export const readSetFacts = async (target: Target): Promise<SetFacts> => {
  const ids = await completeIds(target);
  const [oldest] = ids;
  const page = await listSets(target, { limit: atATime });
  const [newest, previous] = page.sets.flatMap(({ manifest }) => manifest ?? []);
  const assured = await newestAssured(target, page);
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

/** The newest set that is consistent, and that the newest proof of it did not find damaged. */
const newestAssured = async (target: Target, first: SetPage): Promise<string | undefined> => {
  let page = first;
  for (let looked = page.sets.length; ; looked += page.sets.length) {
    for (const { id, manifest } of page.sets)
      if (manifest?.consistent && !proofOfDamage(await readProofs(target, id))) return id;
    if (page.next === undefined || looked >= mostLookedAt) return undefined;
    page = await listSets(target, { limit: atATime, before: page.next });
  }
};

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
