import { assess } from '../assurance/assurance.ts';
import type { BackupManifest, DatabaseBackup } from '../repository/manifest.ts';
import { componentSizes, listSets } from '../repository/sets.ts';
import { layoutOf } from '../repository/layout.ts';
import { sum } from '../text.ts';
import type { Target } from '../world.ts';
import type { PartFacts, SetFacts } from './facts.ts';

/** How many of the newest sets are looked at for two whose manifests can be read. */
const newestLookedAt = 16;

/** What S3 has: the ids of all sets, and only as many manifests and proofs as are needed. */
export const readSetFacts = async (target: Target): Promise<SetFacts> => {
  const ids = await completeIds(target);
  const [oldest] = ids;
  const page = await listSets(target, { limit: newestLookedAt });
  const [newest, previous] = page.sets.flatMap(({ manifest }) => manifest ?? []);
  const assurance = await assess(target);
  return {
    count: ids.length,
    ...(oldest !== undefined && { oldest }),
    ...(newest && { newest: newestFacts(newest) }),
    ...(previous && { previous: componentSizes(previous) }),
    ...('manifest' in assurance && { assured: assurance.manifest.id }),
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
