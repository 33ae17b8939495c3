import { CharmError } from '../errors.ts';
import { beginOperation, type Operation } from '../operation/operation.ts';
import { type Claim, readClaim } from '../repository/claim.ts';
import { backupIdAt, type BackupId, type Layout, layoutOf } from '../repository/layout.ts';
import { claimAbove } from '../repository/nested-paths.ts';
import { abortAllUploads } from '../repository/unfinished-uploads.ts';
import { countText, listText, sizeText, sum } from '../text.ts';
import type { Target, World } from '../world.ts';
import type { CandidateFile } from './candidates.ts';
import { carryOut } from './carry-out.ts';
import { clockProblem } from './clocks.ts';
import { clearDebris } from './debris.ts';
import { findGarbage } from './garbage.ts';
import { readJudged } from './judged.ts';
import { findLockedSets } from './locked.ts';
import { isoWeek } from './policy.ts';
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
  /**
   * For the end of each backup: look for garbage only when there is a set to remove or a removal to
   * finish. With more than `fewSets` sets, and but for the first backup of a week, look only for
   * what these have, which takes few lists.
   */
  readonly onlySets?: boolean;
  readonly fewSets?: number;
  /** Count sets whose signature is missing or wrong as if it were right. */
  readonly allowUnsigned?: boolean;
}

type RemovalWorld = Pick<
  World,
  'clock' | 'host' | 'model' | 'openSigningKeys' | 'progress' | 'scratch' | 'signal' | 'unit'
>;

type ChooseSets = (survey: Survey) => Promise<readonly BackupId[]> | readonly BackupId[];

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
  choose: ChooseSets,
  options: RemovalOptions,
): Promise<RemovalReport> => {
  const layout = layoutOf(target.prefix);
  const generations = await assertOwnPath(world, target);
  await using operation = await beginOperation(world, target, {
    name: 'removal',
    onlyLooks: options.dryRun,
  });

  await world.progress.step('Finding out what the backups that stay need');
  const now = backupIdAt(world.clock.now());
  const keys = options.allowUnsigned === true ? undefined : await world.openSigningKeys();
  const survey = await surveySets(target, layout, { until: now, generations, keys });
  await noteDistrusted(world, survey);
  const chosen = await chooseUnlocked({ world, target, layout, operation, survey }, choose);
  const found = {
    removed: survey.complete.map(({ id }) => id).filter((id) => chosen.has(id)),
    leftovers: survey.left.map(({ id }) => id),
  };
  const { scratch, signal, heartbeat } = operation;
  const isThorough = options.onlySets !== true || isTimeForAll(survey, options.fewSets ?? 14);
  const judged = await readJudged(target.store, layout, survey);
  const place = { store: target.store, layout, scratch, signal, isThorough, judged };
  const removal = planRemovalOf(survey, chosen, place);
  if (removal === undefined) {
    const cleared = options.dryRun
      ? undefined
      : await clearDebris(target, layout, { olderThan: now, buckets: [] });
    return { ...found, kept: 0, objects: cleared?.objects ?? 0, bytes: 0 };
  }
  const kept = removal.stay.length;
  if (options.onlySets === true && removal.go.length === 0)
    return { ...found, kept, objects: 0, bytes: 0 };
  const garbage = await heartbeat.during(
    () => `reading the object lists of ${countText(kept, 'set')}`,
    () => findGarbage(removal),
  );
  const report = { ...found, kept, ...totals(removal, garbage) };
  if (options.dryRun) return report;

  await world.progress.step(
    `Deleting ${countText(report.removed.length, 'set')}: ${countText(report.objects, 'object')} (${sizeText(report.bytes)})`,
  );
  await deleteAll({ world, operation, removal, garbage, objects: report.objects });
  await operation.assertOurs();
  await abortAllUploads(target.store, layout, removal.buckets);
  return report;
};

/** Rejects when another model has the path. Returns the generations of the databases' paths. */
const assertOwnPath = async (
  { model }: RemovalWorld,
  target: Target,
): Promise<Claim['generations'] | undefined> => {
  const claim = (await readClaim(target))?.claim;
  if (claim !== undefined && claim.model.uuid !== model.uuid)
    throw belongsTo(target, claim.model.name);
  const above = await claimAbove(target);
  if (above !== undefined) throw above;
  return claim?.generations;
};

/**
 * A set of somebody else neither goes by itself nor makes another one go, so an operator has to
 * know of it.
 */
const noteDistrusted = async ({ progress }: RemovalWorld, { complete }: Survey): Promise<void> => {
  const distrusted = complete.filter((set) => set.distrusted !== undefined);
  if (distrusted.length === 0) return;
  await progress.note(
    `Warning: the signature of ${listText(distrusted.map(({ id }) => id))} is missing or wrong, so these sets do not count for the retention, and stay.` +
      ' Remove them with delete-backup, or count them too with prune allow-unsigned=true.',
  );
};

/** The chosen sets without those that S3 locks. Rejects with `clock-wrong`. */
const chooseUnlocked = async (
  {
    world,
    target,
    layout,
    operation,
    survey,
  }: {
    readonly world: RemovalWorld;
    readonly target: Target;
    readonly layout: Layout;
    readonly operation: Operation;
    readonly survey: Survey;
  },
  choose: ChooseSets,
): Promise<ReadonlySet<BackupId>> => {
  const wanted = await choose(survey);
  const locked = await findLockedSets(world, target.store, layout, wanted);
  const chosen = new Set(wanted.filter((id) => !locked.has(id)));
  const staying = survey.complete.filter(({ id }) => !chosen.has(id));
  const wrong = clockProblem(staying, world.clock.now(), operation.clockAhead);
  if (wrong !== undefined) throw wrong;
  return chosen;
};

const deleteAll = async ({
  world,
  operation,
  removal,
  garbage,
  objects,
}: {
  readonly world: RemovalWorld;
  readonly operation: Operation;
  readonly removal: Removal;
  readonly garbage: CandidateFile;
  readonly objects: number;
}): Promise<void> => {
  const { judged, newestCommit, stay, isThorough, buckets } = removal;
  let done = 0;
  const isAllGone = await operation.heartbeat.during(
    () => `deleted ${done} of ${countText(objects, 'object')}`,
    () =>
      carryOut(world, removal, garbage, {
        mayGoOn: () => operation.assertOurs(),
        deleted: (more) => {
          done += more;
        },
      }),
  );
  if (!isAllGone) return;
  await operation.assertOurs();
  const ids = stay.map(({ id }) => id);
  await judged.afterRemoval(ids, isThorough ? buckets : [], newestCommit);
};

/**
 * Whether to look for what no set lists too, such as what a dead backup copied. It takes the lists
 * of all sets.
 */
const isTimeForAll = ({ complete }: Survey, fewSets: number): boolean => {
  const [newest, before] = complete;
  if (complete.length <= fewSets || newest === undefined || before === undefined) return true;
  return isoWeek(newest.id) !== isoWeek(before.id);
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
