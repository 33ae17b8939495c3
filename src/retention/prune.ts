import type { Config } from '../config/config.ts';
import { CharmError } from '../errors.ts';
import type { BackupId } from '../repository/layout.ts';
import type { Target, World } from '../world.ts';
import { forget } from './policy.ts';
import { removeSets, type RemovalOptions, type RemovalReport } from './remove-sets.ts';
import type { Survey } from './survey.ts';

/**
 * Removes the sets that the policy does not keep, and all that no set needs, such as what dead backups left. With all `keep-*` at 0 only the
 * latter. Rejects as `removeSets` does.
 */
export const pruneSets = (
  world: World,
  { keep }: Pick<Config, 'keep'>,
  target: Target,
  options: RemovalOptions,
): Promise<RemovalReport> =>
  removeSets(world, target, (survey) => forget(readableSets(survey), keep).remove, options);

/** What the policy counts; one that cannot be read stops the removal later, in words of its own. */
const readableSets = ({ complete }: Survey): Parameters<typeof forget>[0] =>
  complete.flatMap(({ id, manifest }) =>
    manifest instanceof CharmError ? [] : [{ id, consistent: manifest.consistent }],
  );

/**
 * The end of a backup: what `prune` does, when there is a policy and a set to remove. Undefined when there is no policy. Takes the prefix's lock, so the backup must
 * have given it back, or be of this unit.
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
 * Removes one set and all that no other set needs. Rejects with `backup-missing` when there is no such set, `backup-protected` when it is the newest
 * one or the newest consistent one, and as `removeSets` does. A set whose manifest cannot be read may be removed; what its databases
 * wrote is not known then, and stays.
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
    (survey) => {
      checkThere(survey, target, id);
      checkNotNeeded(survey, id);
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

const checkNotNeeded = (survey: Survey, id: BackupId): void => {
  const sets = readableSets(survey);
  const isNewest = sets[0]?.id === id;
  if (!isNewest && sets.find(({ consistent }) => consistent)?.id !== id) return;
  throw new CharmError(
    'backup-protected',
    `${id} is the newest ${isNewest ? 'complete' : 'consistent'} backup, and the last of those is not deleted. Nothing was deleted. Make a newer${isNewest ? '' : ' consistent'} one first.`,
  );
};
