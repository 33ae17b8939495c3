import { jsonOfSets, tableOfSets } from '../sets/describe-sets.ts';
import { listSets } from '../sets/list-sets.ts';
import type { Action } from './action.ts';
import { backupIdParameter } from './backup-id-parameter.ts';

/**
 * Lists the sets from S3 alone, so that it works in a fresh model that points at an old path. Results: `backups`, a table or JSON, and
 * `next`, the id to give as `before` for older ones.
 */
export const listBackups: Action = async (world, _config, parameters) => {
  const { limit, before, format } = parameters;
  const target = await world.openTarget();
  await using _store = target.store;
  const page = await listSets(target, {
    limit: typeof limit === 'number' ? limit : 20,
    ...(typeof before === 'string' &&
      before !== '' && { before: backupIdParameter('before', before) }),
  });
  const now = world.clock.now();
  return {
    backups: format === 'json' ? jsonOfSets(page.sets, now) : tableOfSets(page.sets, now),
    location: `s3://${target.bucket}/${target.prefix}`,
    ...(page.next !== undefined && { next: page.next }),
  };
};
