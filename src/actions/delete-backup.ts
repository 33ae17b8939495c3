import { deleteSet } from '../retention/prune.ts';
import { type Action, backupIdParameter } from './action.ts';
import { removalResults } from './prune.ts';

/** Removes one set, and everything that no other set needs. */
export const deleteBackup: Action = async (world, _config, parameters) => {
  const id = backupIdParameter(world, 'backup-id', parameters['backup-id']);
  const dryRun = parameters['dry-run'] === true;
  const target = await world.openTarget('retention');
  await using _store = target.store;
  return removalResults(await deleteSet(world, target, id, { dryRun }), dryRun);
};
