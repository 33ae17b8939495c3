import type { Config } from '../config/config.ts';
import { CharmError, orProblem } from '../errors.ts';
import { openCopyThreads } from '../components/buckets/threads/copy-threads.ts';
import { startHeartbeat } from '../operation/heartbeat.ts';
import { readClaim } from '../repository/claim.ts';
import { type BackupId, layoutOf } from '../repository/layout.ts';
import type { BackupManifest } from '../repository/manifest.ts';
import { signatureProblem } from '../repository/signature.ts';
import { readSet } from '../repository/sets.ts';
import { targetAsOf } from '../repository/as-of.ts';
import { countText, sizeText } from '../text.ts';
import type { Target, World } from '../world.ts';
import { checkDocuments, createArchiveCheck } from './archive.ts';
import { verifyBucket } from './buckets.ts';
import { verifyDatabase, verifyFinished } from './databases.ts';
import { verifyDump } from './mlmd.ts';
import { verifyByAllUnits } from './share-verify.ts';
import { mostReaders } from './verify-shard.ts';
import { createDamages, type Verification, type VerifyWork } from './verification.ts';

/*
 * This folder checks whether a set can be restored. Each component has a chapter of the same name.
 */

/**
 * Checks whether a set can be restored, and changes nothing. Shallow: every listed object is in the
 * mirror or in the history with its size and ETag; the dump and the database backups are there; the
 * databases, when they can be asked, say that their backups are finished. Deep: everything is read
 * and compared with its checksums, and the dump is loaded into a scratch database.
 *
 * With `asOf` all of this is read as it was at that time. Damage is returned, not thrown. Rejects
 * with `backup-missing`, `manifest-invalid` and `signature-invalid`, and with the failures of S3
 * and of our own disk. With `thaw`, S3 is asked to thaw what lies in an archive class and cannot be
 * read; rejects with `object-archived` when that is the manifest itself.
 */
export const verifySet = async (
  world: World,
  config: Pick<Config, 'transfers' | 'copyProcesses'>,
  present: Target,
  {
    id,
    deep,
    allowUnsigned = false,
    thaw = false,
    asOf,
  }: {
    readonly id: BackupId;
    readonly deep: boolean;
    readonly allowUnsigned?: boolean;
    readonly thaw?: boolean;
    readonly asOf?: Date | undefined;
  },
): Promise<Verification> => {
  const { clock, progress, signal, scratch } = world;
  await progress.step(`Verifying ${id}${deep ? ', reading all of it' : ''}`);
  const target = await targetAsOf(world, present, asOf);
  const width = Math.min(config.transfers, mostReaders);
  const archive = createArchiveCheck(target.store, { thaw, width });
  if (thaw) await checkDocuments(target, id, archive);
  const manifest = await readSet(target, id);
  const unsigned = signatureProblem(manifest, await world.openSigningKeys());
  if (unsigned && !allowUnsigned) throw unsigned;
  if (unsigned) await progress.note(`Warning: ${unsigned.message}`);
  await using threads = openCopyThreads(world, config, { buckets: [], asOf });
  await using heartbeat = startHeartbeat(world);
  const damages = createDamages(progress);
  const total = { objects: 0, bytes: 0, proven: 0, unproven: 0 };
  const work: VerifyWork = {
    ...{
      store: target.store,
      layout: layoutOf(target.prefix),
      clock,
      signal,
      scratch,
      damages,
      deep,
    },
    ...{ archive, width, threads },
    count: (checked) => {
      total.objects += checked.objects ?? 0;
      total.bytes += checked.bytes ?? 0;
      total.proven += checked.proven ?? 0;
      total.unproven += checked.unproven ?? 0;
    },
    note: (message) => progress.note(message),
  };
  await heartbeat.during(
    () => `${countText(total.objects, 'object')} looked at, ${sizeText(total.bytes)} read`,
    async () => {
      for (const part of partsMissing(manifest)) await damages.found(part, 'missing');
      await verifyClaim(work, target);
      for (const database of manifest.databases)
        await verifyDatabase(work, database, manifest.databases);
      // The databases know only what is there now.
      if (asOf === undefined) await verifyFinished(world, work, manifest);
      if (manifest.mlmd) await verifyDump(work, manifest.mlmd);
      const { buckets } = manifest;
      const { transfers } = config;
      const shared = { id, buckets, present, stored: target, asOf, thaw, transfers };
      if (await verifyByAllUnits(world, { ...shared, work, damages, heartbeat })) return;
      for (const bucket of buckets) await verifyBucket(work, bucket);
    },
  );
  const { count, missing, first } = damages;
  const archived = archive.problem(`the backup ${id}`);
  return {
    ...{ id, deep, damages: count, missing, first, ...total, frozen: archive.frozen },
    ...(archived && { archived }),
  };
};

/** Components that the manifest names but does not describe. */
const partsMissing = ({ components, databases, mlmd, buckets }: BackupManifest): string[] => {
  const parts = [
    ...databases.map(({ component }) => component),
    ...(mlmd ? ['mlmd'] : []),
    ...(buckets.length > 0 ? ['mlpipeline'] : []),
  ];
  return components
    .filter((component) => !parts.includes(component))
    .map(
      (component) => `${component} is one of its components, but the manifest does not describe it`,
    );
};

/**
 * Checks that the claim of the path can be read; otherwise nothing can be restored. A missing claim
 * is not damage: a restore makes one.
 */
const verifyClaim = async (work: VerifyWork, target: Target): Promise<void> => {
  const { damages, layout } = work;
  const found = await orProblem(() => readClaim(target));
  if (found === undefined)
    await work.note(
      `${layout.claim} is missing, so nothing keeps another model from using the path. The next backup writes a new one.`,
    );
  if (!(found instanceof CharmError)) return;
  if (found.code !== 'prefix-claimed') throw found;
  await damages.found(found.message);
};
