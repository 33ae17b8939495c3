import type { Config } from '../config/config.ts';
import { CharmError } from '../errors.ts';
import type { BackupId } from '../repository/layout.ts';
import { heldParts } from '../repository/sets.ts';
import { listText } from '../text.ts';
import type { Target, World } from '../world.ts';
import { isOfTheFuture } from './clocks.ts';
import { damagedParts } from './damaged-parts.ts';
import { forget, partsThatNeed, type RetainedSet } from './policy.ts';
import { removeSets, type RemovalOptions, type RemovalReport } from './remove-sets.ts';
import type { CompleteSet, Survey } from './survey.ts';

/*
 * This folder decides which sets go, and deletes them with everything that no other set needs. Each
 * component has a chapter of the same name.
 */

/**
 * Removes the sets that the policy does not keep, and everything that no set needs, such as the
 * remains of dead backups. With all `keep-*` at 0 it removes only the latter. Rejects like
 * `removeSets`.
 */
export const pruneSets = (
  world: World,
  { keep }: Pick<Config, 'keep'>,
  target: Target,
  options: RemovalOptions,
): Promise<RemovalReport> =>
  removeSets(world, target, (survey) => forget(trustedSets(survey), keep).remove, options);

/**
 * The sets that the policy counts. A set that cannot be read stops the removal later, with its own
 * message.
 */
const readableSets = (complete: readonly CompleteSet[]): readonly RetainedSet[] =>
  complete.flatMap(({ id, manifest, damaged }) =>
    manifest instanceof CharmError
      ? []
      : [{ id, consistent: manifest.consistent, parts: heldParts(manifest), damaged }],
  );

/**
 * Without those whose signature is missing or wrong: who may write into the bucket could push out
 * every set of ours by putting newer ones there.
 */
const trustedSets = ({ complete }: Survey): readonly RetainedSet[] =>
  readableSets(complete.filter(({ distrusted }) => distrusted === undefined));

/**
 * The retention at the end of a backup: like `prune`, but only when there is a policy and a set to
 * remove. Undefined when there is no policy. Takes the prefix's lock, so the backup must have
 * released it, or be of this unit.
 */
export const applyRetention = async (
  world: World,
  config: Pick<Config, 'keep'>,
  target: Target,
): Promise<RemovalReport | undefined> => {
  if (Object.values(config.keep).every((count) => count === 0)) return undefined;
  return pruneSets(world, config, target, { dryRun: false, onlySets: true });
};

/**
 * Removes one set and everything that no other set needs. Rejects with `backup-missing` when there
 * is no such set, `backup-protected` when it is the newest one, or the newest consistent one, that
 * has some part, and like `removeSets`. A set that is certainly damaged is protected only when it
 * is the last one with some intact part. A set whose manifest cannot be read may be removed; its
 * database backups are not known then, and stay.
 */
export const deleteSet = (
  world: World,
  target: Target,
  id: BackupId,
  options: { readonly dryRun: boolean },
): Promise<RemovalReport> =>
  removeSets(
    world,
    target,
    async (survey) => {
      checkThere(survey, target, id);
      await checkNotNeeded(survey, target, id, world.clock.now());
      return [id];
    },
    options,
  );

const checkThere = (
  { complete, left }: Survey,
  { store, prefix, application }: Target,
  id: BackupId,
): void => {
  if ([...complete, ...left].some((set) => set.id === id)) return;
  throw new CharmError(
    'backup-missing',
    `There is no backup set ${id} under ${prefix} in ${store.description}. Nothing was deleted. See juju run ${application}/leader list-backups.`,
  );
};

const checkNotNeeded = async (
  survey: Survey,
  target: Target,
  id: BackupId,
  now: Date,
): Promise<void> => {
  const found = survey.complete.find((one) => one.id === id);
  if (found === undefined) return;
  const sets = found.distrusted === undefined ? trustedSets(survey) : setsLike(found, survey);
  const set = sets.find((one) => one.id === id);
  if (set === undefined) {
    if (found.manifest instanceof CharmError && survey.complete.length === 1)
      throw isTheOnlyOne(target, id);
    return;
  }
  const needs = partsThatNeed(sets, id);
  if (needs.newest.length + needs.consistent.length === 0) return;
  const damaged = await damagedParts(target, found);
  if (damaged.length > 0 || isOfTheFuture(id, now)) {
    const others = sets.filter((one) => one.id !== id);
    const isElsewhere = (part: string): boolean =>
      others.some((one) => one.parts.includes(part) && !one.damaged.includes(part));
    const last = set.parts.filter((part) => !damaged.includes(part) && !isElsewhere(part));
    if (last.length > 0) throw isProtected(id, 'only', last);
  } else if (needs.newest.length > 0) throw isProtected(id, 'newest', needs.newest);
  else throw isProtected(id, 'newest consistent', needs.consistent);
};

/**
 * What counts when a set is to go whose signature is not right: nothing for one whose signature is
 * wrong; for one without a signature, such as a set from before signing-key was set, the others
 * without, and of their parts those that no signed set has.
 */
const setsLike = (found: CompleteSet, survey: Survey): readonly RetainedSet[] => {
  const isUnsigned = ({ distrusted, manifest }: CompleteSet): boolean =>
    distrusted !== undefined &&
    !(manifest instanceof CharmError) &&
    manifest.signature === undefined;
  if (!isUnsigned(found)) return [];
  const signed = new Set(trustedSets(survey).flatMap(({ parts }) => parts));
  return readableSets(survey.complete.filter(isUnsigned))
    .map((set) => ({ ...set, parts: set.parts.filter((part) => !signed.has(part)) }))
    .filter(({ parts }) => parts.length > 0);
};

const isProtected = (
  id: BackupId,
  rank: 'only' | 'newest' | 'newest consistent',
  parts: readonly string[],
): CharmError =>
  new CharmError(
    'backup-protected',
    `${id} is the ${rank} backup of ${listText(parts)}, and the last of those is not deleted. Nothing was deleted.` +
      ` Make a newer${rank === 'newest consistent' ? ' consistent' : ''} backup of that first.`,
  );

const isTheOnlyOne = ({ prefix, bucket }: Target, id: BackupId): CharmError =>
  new CharmError(
    'backup-protected',
    `${id} is the only backup under the path ${prefix} in bucket ${bucket}, and cannot be read by this revision of the charm. Nothing was deleted.` +
      ' Make another one first.',
  );
