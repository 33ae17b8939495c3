import type { BackupId } from '../backup/backup-id.ts';
import { CharmError } from '../errors.ts';
import type { Target, World } from '../world.ts';
import { readableSets } from './prune.ts';
import { removeSets, type RemovalReport } from './remove-sets.ts';
import type { Survey } from './survey.ts';

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

const checkThere = ({ complete, left }: Survey, { store, prefix }: Target, id: BackupId): void => {
  if ([...complete, ...left].some((set) => set.id === id)) return;
  throw new CharmError(
    'backup-missing',
    `There is no backup set ${id} under ${prefix} in ${store.description}. Nothing was deleted. See the action list-backups.`,
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
