import type { Heartbeat } from '../backup/heartbeat.ts';
import { layoutOf } from '../backup/layout.ts';
import type { BackupManifest } from '../backup/manifest.ts';
import { countText } from '../backup/wording.ts';
import type { Config } from '../config.ts';
import { CharmError } from '../errors.ts';
import { createDamages } from '../sets/damages.ts';
import type { VerifyWork } from '../sets/verification.ts';
import { verifyBucket } from '../sets/verify-bucket.ts';
import { verifyDatabase } from '../sets/verify-database.ts';
import { verifyBytes } from '../sets/verify-dump.ts';
import type { Target, World } from '../world.ts';

/**
 * Looks for everything that the set has of the components that are to be restored, as a shallow `verify-backup` does, and reads the dump of ML
 * Metadata, which is small: a set that lacks something must be found out before anything is changed.
 */
export const setProblem = async (
  world: World,
  config: Pick<Config, 'transfers'>,
  heartbeat: Heartbeat,
  { store, prefix }: Target,
  manifest: BackupManifest,
  components: readonly string[],
): Promise<CharmError | undefined> => {
  const { clock, progress, signal, scratch } = world;
  const damages = createDamages(progress);
  let objects = 0;
  const work: VerifyWork = {
    ...{ store, clock, signal, scratch, damages },
    layout: layoutOf(prefix),
    deep: false,
    width: config.transfers,
    count: (checked) => {
      objects += checked.objects ?? 0;
    },
    note: (message) => progress.note(message),
  };
  await heartbeat.during(
    () => `verifying the set: ${countText(objects, 'object')} looked at`,
    async () => {
      for (const database of manifest.databases)
        if (components.includes(database.component)) await verifyDatabase(work, database);
      if (manifest.mlmd && components.includes('mlmd')) await verifyBytes(work, manifest.mlmd);
      if (components.includes('mlpipeline'))
        for (const bucket of manifest.buckets) await verifyBucket(work, bucket);
    },
  );
  if (damages.count === 0) return undefined;
  const more = damages.count - damages.first.length;
  return new CharmError(
    'set-damaged',
    `The backup ${manifest.id} is damaged in ${countText(damages.count, 'place')}: ${damages.first.join('; ')}` +
      `${more > 0 ? `; and ${more} more, in the action's log` : ''}. Restore another set, or the components that are intact with components=...`,
  );
};
