import { moveDatabasesOn } from '../components/databases/paths.ts';
import type { Config } from '../config/config.ts';
import { CharmError, orProblem } from '../errors.ts';
import { unlessRemoved } from '../operation/own-removal.ts';
import { sideBySide } from '../operation/side-by-side.ts';
import { timelineText } from '../operation/timeline.ts';
import { layoutOf } from '../repository/layout.ts';
import type { BackupManifest } from '../repository/manifest.ts';
import { applyRetention } from '../retention/prune.ts';
import { listText } from '../text.ts';
import type { World } from '../world.ts';
import { beginBackup, type Backup } from './begin-backup.ts';
import { copyChangesOfBuckets, preCopyBuckets } from './buckets.ts';
import { commitSet } from './commit-set.ts';
import { backUpDatabases } from './databases.ts';
import { backUpMlmd } from './mlmd.ts';
import { preflight, type BackupRequest, type ReadyBackup } from './preflight.ts';
import { addSecondUnits } from './second-units.ts';

/*
 * This folder is the operation backup. This file has the story; each component has a chapter of the
 * same name.
 */

/**
 * The guide's "back up the control plane" in one action. The result is a complete set that was
 * proven readable, or no set. However it ends, every scale is put back. When that fails, the
 * journal has the scale, and the error says what to do. Afterwards the sets are removed that the
 * retention does not keep.
 */
export const runBackup = async (
  world: World,
  config: Config,
  request: BackupRequest,
): Promise<{ readonly manifest: BackupManifest; readonly location: string }> => {
  const { progress } = world;

  await progress.step('Checking whether a backup can be made');
  await using ready = await preflight(world, config, request);
  for (const warning of ready.warnings) await progress.note(`Warning: ${warning}`);
  await moveDatabasesOn(world, ready);

  const manifest = await unlessRemoved(world, ready.juju, () =>
    makeSet(world, config, request, ready),
  );
  await retain(world, config, ready, manifest.id);
  const { bucket, prefix } = ready.target;
  return { manifest, location: `s3://${bucket}/${layoutOf(prefix).sets}${manifest.id}/` };
};

const makeSet = async (
  world: World,
  config: Config,
  request: BackupRequest,
  ready: ReadyBackup,
): Promise<BackupManifest> => {
  const { progress } = world;
  await using backup = await beginBackup(world, config, request, ready);

  const { databases, mlmd } = ready.plan;
  const rows = [
    ...(databases.length > 0 ? ['the databases'] : []),
    ...(mlmd ? ['ML Metadata'] : []),
  ];
  const step = async (doing: string, isWanted: boolean): Promise<void> => {
    if (isWanted) await progress.step(`Backup ${backup.id}: ${doing}`);
  };

  // Juju takes its time to bring a unit, so the copy does not wait for that.
  await step('copying buckets ahead, while everything runs', ready.sources.length > 0);
  const [preCopy, secondUnits] = await sideBySide(backup.world.signal, [
    (signal) => preCopyBuckets(backup, signal),
    (signal) => addSecondUnits(backup, signal),
  ]);

  await step(`backing up ${rows.join(' and ')}`, rows.length > 0);
  const quietSince = world.clock.now();
  const [madeOfDatabases, madeOfMlmd] = await sideBySide(backup.world.signal, [
    (signal) => backUpDatabases(backup, secondUnits, signal),
    (signal) => backUpMlmd(backup, signal),
  ]);

  await step('copying what changed in the buckets', ready.sources.length > 0);
  const { buckets, written } = await copyChangesOfBuckets(backup, preCopy, quietSince);

  const parts = { databases: madeOfDatabases, ...(madeOfMlmd && { mlmd: madeOfMlmd }), buckets };
  const manifest = await commitSet(backup, parts, rows.length > 0 ? written : []);
  await progress.note(timelineText(backup.timeline.chapters(), backup.started));

  await progress.step(`Backup ${backup.id} is complete: putting scales back`);
  await putBackAfter(backup);
  return manifest;
};

/** A complete backup does not fail because an old set could not be removed. */
const retain = async (
  world: World,
  config: Config,
  { target }: ReadyBackup,
  id: string,
): Promise<void> => {
  const report = await orProblem(async () => {
    if (config.retentionCredentials === undefined) return applyRetention(world, config, target);
    const ours = await world.openTarget('retention');
    await using _store = ours.store;
    return await applyRetention(world, config, ours);
  });
  if (report instanceof CharmError)
    await world.progress.note(
      `The backup ${id} is complete, but older sets could not be removed: ${report.message} [${report.code}]. The action prune does it again.`,
    );
  else if (report !== undefined && report.removed.length > 0)
    await world.progress.note(`Retention removed ${listText(report.removed, 20, 2000)}`);
};

/** An error about a scale must also say that the set is complete. */
const putBackAfter = async (backup: Backup): Promise<void> => {
  try {
    await backup.putBackScales();
  } catch (error) {
    if (!(error instanceof CharmError)) throw error;
    throw new CharmError(
      error.code,
      `The backup ${backup.id} is complete and listed. But ${error.message}`,
      {
        cause: error,
      },
    );
  }
};
