import { layoutOf } from '../repository/layout.ts';
import { ageText, sizeText, tableText } from '../text.ts';
import { proofOf, proofText } from '../volumes/records/repository-proof.ts';
import { type RepositoryState, readState } from '../volumes/records/repository-state.ts';
import { backupsOf } from '../volumes/records/stored-backups.ts';
import { type Action, volumeParameter } from './action.ts';

/** Lists the backups of one volume, newest first. Reads S3 only. */
export const listVolumeBackups: Action = async (world, _config, parameters) => {
  const volume = volumeParameter('volume', parameters['volume']);
  const limit = typeof parameters['limit'] === 'number' ? parameters['limit'] : 20;
  const target = await world.openTarget();
  await using _store = target.store;
  const layout = layoutOf(target.prefix);
  const now = world.clock.now();
  const states = new Map<string, RepositoryState>();
  const rows: string[][] = [];
  for await (const backup of backupsOf(target.store, layout, volume)) {
    const { phase, files = 0, bytes = 0, added = 0, usedBy, repository } = backup.volume;
    const age = ageText((now.getTime() - Date.parse(backup.started)) / 1000);
    const state = states.get(repository) ?? (await readState(target.store, layout, repository));
    states.set(repository, state);
    const proof = proofOf(backup, state);
    rows.push([
      ...[backup.session, age, String(files), sizeText(bytes), sizeText(added)],
      ...[usedBy === undefined ? 'no' : 'yes', phase === 'Succeeded' ? 'yes' : 'no'],
      proof === undefined ? '-' : proofText(proof, now),
    ]);
    if (rows.length === limit) break;
  }
  return {
    backups:
      rows.length === 0
        ? 'There are no backups of this volume.'
        : tableText([
            ['BACKUP', 'AGE', 'FILES', 'SIZE', 'ADDED', 'LIVE', 'COMPLETE', 'PROVEN'],
            ...rows,
          ]),
  };
};
