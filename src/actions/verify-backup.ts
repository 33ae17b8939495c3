import { sizeText } from '../backup/wording.ts';
import { CharmError, orProblem } from '../errors.ts';
import type { Verification } from '../sets/verification.ts';
import { verifySet } from '../sets/verify-set.ts';
import type { World } from '../world.ts';
import type { Action } from './action.ts';
import { backupIdParameter } from './backup-id-parameter.ts';

/** Looks whether a set can be restored. Fails with `set-damaged` when it cannot, and names what is missing or damaged. */
export const verifyBackup: Action = async (world, config, parameters) => {
  const id = backupIdParameter('backup-id', parameters['backup-id']);
  const target = await world.openTarget();
  await using _store = target.store;
  const verification = await verifySet(world, config, target, id, {
    deep: parameters['deep'] === true,
  });
  await remember(world, verification);
  if (verification.damages > 0) throw damaged(verification);
  const { deep, objects, bytes, proven, unproven } = verification;
  return {
    'backup-id': id,
    result: 'intact',
    deep: String(deep),
    objects: String(objects),
    ...(deep && { read: sizeText(bytes), proven: String(proven), unproven: String(unproven) }),
  };
};

/** For the status, which speaks of the last backup only. That it cannot be remembered must not hide what was found. */
const remember = async (
  { journal }: Pick<World, 'journal'>,
  { id, damages }: Verification,
): Promise<void> => {
  await orProblem(async () => {
    const last = await journal.lastBackup();
    if (last?.id === id)
      await journal.setLastBackup({ ...last, verified: damages === 0 ? 'intact' : 'damaged' });
  });
};

const damaged = ({ id, damages, first }: Verification): CharmError => {
  const more = damages - first.length;
  return new CharmError(
    'set-damaged',
    `The backup ${id} is damaged in ${damages} ${damages === 1 ? 'place' : 'places'}: ${first.join('; ')}${more > 0 ? `; and ${more} more, in the action's log` : ''}.` +
      ' Nothing was changed. Make a new backup now, and restore from another one if you have to.',
  );
};
