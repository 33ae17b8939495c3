import { CharmError } from '../errors.ts';
import { beginOperation } from '../operation/operation.ts';
import { readClaim } from '../repository/claim.ts';
import { backupIdAt, type BackupId, layoutOf } from '../repository/layout.ts';
import { claimAbove } from '../repository/nested-paths.ts';
import { abortAllUploads } from '../repository/unfinished-uploads.ts';
import { countText, sizeText, sum } from '../text.ts';
import type { Target, World } from '../world.ts';
import type { CandidateFile } from './candidates.ts';
import { carryOut } from './carry-out.ts';
import { clockProblem } from './clocks.ts';
import { clearDebris } from './debris.ts';
import { findGarbage } from './garbage.ts';
import { findLockedSets } from './locked.ts';
import { planRemovalOf, type Removal } from './removal.ts';
import { surveySets, type Survey } from './survey.ts';

export interface RemovalReport {
  /** Sets that were removed, or would be; newest first. */
  readonly removed: readonly BackupId[];
  /** What dead backups and interrupted removals had left. */
  readonly leftovers: readonly BackupId[];
  readonly kept: number;
  readonly objects: number;
  readonly bytes: number;
}

export interface RemovalOptions {
  /** Report what would be removed, and change nothing. */
  readonly dryRun: boolean;
  /** Look for garbage only when there is a set to remove or a removal to finish. */
  readonly onlySets?: boolean;
}

type RemovalWorld = Pick<
  World,
  'clock' | 'host' | 'model' | 'progress' | 'scratch' | 'signal' | 'unit'
>;

/**
 * Removes the sets that `choose` names, and everything that no other set needs. A dry run only
 * reports, and takes no lock.
 *
 * Rejects, with nothing deleted, with `prefix-claimed` when the prefix is another model's,
 * `backup-running` when another operation works on it, `manifest-invalid` when a set that stays
 * cannot be read, `clock-wrong` when dates cannot be trusted. After any other failure some of the
 * work may be left, and the next removal finishes it. A half-removed set is never listed.
 */
export const removeSets = async (
  world: RemovalWorld,
  target: Target,
  choose: (survey: Survey) => Promise<readonly BackupId[]> | readonly BackupId[],
  options: RemovalOptions,
): Promise<RemovalReport> => {
  const { store, prefix } = target;
  const layout = layoutOf(prefix);
  const claim = (await readClaim(target))?.claim;
  if (claim !== undefined && claim.model.uuid !== world.model.uuid)
    throw belongsTo(target, claim.model.name);
  const above = await claimAbove(target);
  if (above !== undefined) throw above;
  await using operation = await beginOperation(world, target, {
    name: 'removal',
    onlyLooks: options.dryRun,
  });
  const { heartbeat, scratch } = operation;

  await world.progress.step('Finding out what the backups that stay need');
  const now = backupIdAt(world.clock.now());
  const survey = await surveySets(target, layout, now, claim?.generations);
  const wanted = await choose(survey);
  const locked = await findLockedSets(world, store, layout, wanted);
  const chosen = new Set(wanted.filter((id) => !locked.has(id)));
  const wrong = clockProblem(
    survey.complete.filter(({ id }) => !chosen.has(id)),
    world.clock.now(),
    operation.clockAhead,
  );
  if (wrong !== undefined) throw wrong;
  const removed = survey.complete.map(({ id }) => id).filter((id) => chosen.has(id));
  const leftovers = survey.left.map(({ id }) => id);
  const { signal } = operation;
  const removal = planRemovalOf(survey, chosen, { store, layout, scratch, signal });
  if (removal === undefined) {
    const cleared = options.dryRun
      ? undefined
      : await clearDebris(target, layout, { olderThan: now, buckets: [] });
    return { removed, leftovers, kept: 0, objects: cleared?.objects ?? 0, bytes: 0 };
  }
  if (options.onlySets === true && removal.go.length === 0)
    return { removed, leftovers, kept: removal.stay.length, objects: 0, bytes: 0 };
  const garbage = await heartbeat.during(
    () => `reading the object lists of ${countText(removal.stay.length, 'set')}`,
    () => findGarbage(removal),
  );
  const report = { removed, leftovers, kept: removal.stay.length, ...totals(removal, garbage) };
  if (options.dryRun) return report;

  await world.progress.step(
    `Deleting ${countText(removed.length, 'set')}: ${countText(report.objects, 'object')} (${sizeText(report.bytes)})`,
  );
  let done = 0;
  await heartbeat.during(
    () => `deleted ${done} of ${countText(report.objects, 'object')}`,
    () =>
      carryOut(world, removal, garbage, {
        mayGoOn: () => operation.assertOurs(),
        deleted: (objects) => {
          done += objects;
        },
      }),
  );
  await operation.assertOurs();
  await abortAllUploads(store, layout, removal.buckets);
  return report;
};

const totals = (
  { go }: Removal,
  garbage: CandidateFile,
): Pick<RemovalReport, 'objects' | 'bytes'> => {
  const own = go.flatMap(({ objects }) => objects);
  return {
    objects: garbage.objects + own.length,
    bytes: garbage.bytes + sum(own.map(({ size }) => size)),
  };
};

const belongsTo = ({ prefix, bucket }: Target, name: string): CharmError =>
  new CharmError(
    'prefix-claimed',
    `The path ${prefix} in bucket ${bucket} belongs to the model ${name}, and only that model deletes its backups. Nothing was deleted.` +
      ' When that model is gone for good, take the path over with backup-control-plane take-over=true first.',
  );
