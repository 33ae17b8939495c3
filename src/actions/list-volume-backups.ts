import { layoutOf } from '../repository/layout.ts';
import { ageText, sizeText, tableText } from '../text.ts';
import { backupsOf } from '../volumes/stored-backups.ts';
import { type Action, volumeParameter } from './action.ts';

/** Lists the backups of one volume, newest first. Reads S3 only. */
export const listVolumeBackups: Action = async (world, _config, parameters) => {
  const volume = volumeParameter('volume', parameters['volume']);
  const limit = typeof parameters['limit'] === 'number' ? parameters['limit'] : 20;
  const target = await world.openTarget();
  await using _store = target.store;
  const rows: string[][] = [];
  for await (const backup of backupsOf(target.store, layoutOf(target.prefix), volume)) {
    const { phase, files = 0, bytes = 0, added = 0, usedBy } = backup.volume;
    const age = ageText((world.clock.now().getTime() - Date.parse(backup.started)) / 1000);
    rows.push([
      ...[backup.session, age, String(files), sizeText(bytes), sizeText(added)],
      ...[usedBy === undefined ? 'no' : 'yes', phase === 'Succeeded' ? 'yes' : 'no'],
    ]);
    if (rows.length === limit) break;
  }
  return {
    backups:
      rows.length === 0
        ? 'There are no backups of this volume.'
        : tableText([['BACKUP', 'AGE', 'FILES', 'SIZE', 'ADDED', 'LIVE', 'COMPLETE'], ...rows]),
  };
};
