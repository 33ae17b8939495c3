import { CharmError } from '../errors.ts';
import { sizeText } from '../text.ts';
import type { RestoreVolumeRequest } from '../volumes/restore-plan.ts';
import type { WantedBackup } from '../volumes/records/stored-backups.ts';
import { type VolumeRestoreReport, restoreVolume as restore } from '../volumes/restore-volume.ts';
import type { World } from '../world.ts';
import { type Action, asOfParameter, volumeParameter } from './action.ts';

/**
 * Brings a volume back from a backup, or a part of it, into the volume or a folder. Results: what
 * was restored, and the backup of what was there before.
 */
export const restoreVolume: Action = async (world, config, parameters) =>
  resultsOf(await restore(world, config.volumes, requestOf(world, parameters)));

const requestOf = (
  world: Pick<World, 'clock'>,
  parameters: Readonly<Record<string, unknown>>,
): RestoreVolumeRequest => {
  const text = (name: string): string | undefined => {
    const value = parameters[name];
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
  };
  const volume = volumeParameter('volume', parameters['volume']);
  const to = text('to');
  return {
    volume,
    backup: wantedBackup(text('backup') ?? 'latest', asOfParameter(world, parameters)),
    // A name without a namespace is a claim of the volume's own namespace.
    to:
      to === undefined
        ? undefined
        : volumeParameter('to', to.includes('/') ? to : `${volume.namespace}/${to}`),
    into: folderOf('into', text('into')),
    include: text('include'),
    deleteExtra: parameters['delete-extra'] === true,
    create: parameters['create'] === true,
    dryRun: parameters['dry-run'] === true,
    confirm: text('confirm') ?? '',
  };
};

const wantedBackup = (backup: string, asOf: Date | undefined): WantedBackup => {
  if (asOf === undefined)
    return backup === 'latest' ? { kind: 'latest' } : { kind: 'session', id: backup };
  if (backup === 'latest') return { kind: 'as-of', time: asOf };
  throw new CharmError(
    'parameter-invalid',
    `backup=${backup} and as-of both say which backup to restore. Nothing was changed. Leave one of them out.`,
  );
};

/** A folder of the volume, relative to its root. */
const folderOf = (parameter: string, folder: string | undefined): string | undefined => {
  if (folder === undefined) return undefined;
  const parts = folder.replace(/^\/+|\/+$/g, '').split('/');
  if (parts.every((part) => part !== '' && part !== '.' && part !== '..')) return parts.join('/');
  throw new CharmError(
    'parameter-invalid',
    `${parameter}=${folder} is not a folder of the volume. Give its path from the root of the volume, such as restored/monday.`,
  );
};

const resultsOf = ({
  plan: { backup, to, newClaim, overwrites },
  session,
  folder,
  included = { files: backup.volume.files ?? 0, bytes: backup.volume.bytes ?? 0 },
  safetyBackup,
}: VolumeRestoreReport): Readonly<Record<string, string>> => ({
  volume: `${to.namespace}/${to.claim}`,
  backup: backup.session,
  files: String(included.files),
  size: sizeText(included.bytes),
  'dry-run': String(session === undefined),
  'new-claim': String(newClaim !== undefined),
  overwrites: String(overwrites),
  ...(session !== undefined && { session }),
  ...(folder !== undefined && { folder: `/${folder}` }),
  ...(safetyBackup !== undefined && { 'safety-backup': safetyBackup }),
});
