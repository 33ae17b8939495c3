import { orProblem } from '../errors.ts';
import { listSets, setSize } from '../repository/sets.ts';
import type { Journal, Target, World } from '../world.ts';

/**
 * Writes the newest set that is in S3 to the journal, whichever unit made it. What verify-backup
 * found of that set is kept. Takes two requests.
 */
export const noteNewestSet = async (journal: Journal, target: Target): Promise<void> => {
  const { sets } = await listSets(target, { limit: 1 });
  const known = await journal.lastBackup();
  const [newest] = sets;
  if (newest === undefined) {
    if (known !== undefined) await journal.setLastBackup(undefined);
    return;
  }
  const { id, manifest } = newest;
  if (manifest === undefined || id === known?.id) return;
  await journal.setLastBackup({ id, bytes: setSize(manifest), consistent: manifest.consistent });
};

/** It is for the status only, so the action does not fail when S3 cannot be asked. */
export const lookForNewestSet = async (journal: Journal, world: World): Promise<void> => {
  await orProblem(async () => {
    const target = await world.openTarget();
    await using _store = target.store;
    await noteNewestSet(journal, target);
  });
};
