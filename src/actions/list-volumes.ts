import { layoutOf } from '../repository/layout.ts';
import { ageText, tableText } from '../text.ts';
import { planVolumes } from '../volumes/claims/plan.ts';
import { skipTexts } from '../volumes/claims/policy.ts';
import { allBackups } from '../volumes/records/stored-backups.ts';
import type { Action } from './action.ts';

/**
 * Lists the volumes of the namespaces that the option `volumes` means: who uses each, whether it is
 * backed up, and when that was done last. Reads only.
 */
export const listVolumes: Action = async (world, config, parameters) => {
  const { namespace: only } = parameters;
  await using access = await world.openVolumes();
  const target = await world.openTarget();
  await using _store = target.store;
  const { patterns, inUse } = config.volumes;
  const use = { mode: inUse, now: world.clock.now() };
  const planned = (await planVolumes(access.cluster, patterns, use)).filter(
    ({ claim }) => only === '' || claim.namespace === only,
  );
  const last = new Map<string, string>();
  for await (const { started, volume } of allBackups(target.store, layoutOf(target.prefix))) {
    const name = `${volume.namespace}/${volume.claim}`;
    if (!last.has(name)) last.set(name, started);
  }
  const now = world.clock.now().getTime();
  const rows = planned.map(({ claim, user, skip }) => {
    const name = `${claim.namespace}/${claim.name}`;
    const started = last.get(name);
    return [
      name,
      claim.size,
      claim.accessModes.join(','),
      user?.pod ?? '-',
      started === undefined ? 'never' : `${ageText((now - Date.parse(started)) / 1000)} ago`,
      skip === undefined ? 'covered' : `${skip}: ${skipTexts[skip]}`,
    ];
  });
  return {
    volumes:
      rows.length === 0
        ? 'There are no volumes in the namespaces that the option volumes means.'
        : tableText([['VOLUME', 'SIZE', 'ACCESS', 'USED-BY', 'LAST-BACKUP', 'STATE'], ...rows]),
  };
};
