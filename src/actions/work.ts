import { helpCopy } from '../backup/help-copy.ts';
import { sizeText } from '../text.ts';
import { type Action, backupIdParameter } from './action.ts';

/**
 * Helps the leader to copy the buckets of a backup. The leader runs it on the other units; it does
 * nothing without the leader's token. Results: what this unit has done.
 */
export const work: Action = async (world, config, parameters) => {
  const id = backupIdParameter(world, 'set', parameters['set']);
  const target = await world.openTarget();
  await using _store = target.store;
  const done = await helpCopy(world, config, {
    ...{ target, id, token: String(parameters['token']) },
  });
  return done === undefined
    ? { result: 'the backup needs no help any more' }
    : { result: 'helped', objects: String(done.objects), size: sizeText(done.bytes) };
};
