import { parseDuration } from '../config/duration.ts';
import { CharmError } from '../errors.ts';
import { listText, sizeText } from '../text.ts';
import {
  type DeleteBackupsReport,
  type DeleteBackupsRequest,
  deleteBackups,
} from '../volumes/delete-backups.ts';
import { isSessionId } from '../volumes/records/names.ts';
import type { StoredBackup } from '../volumes/records/stored-backups.ts';
import type { Action } from './action.ts';

/**
 * Removes backups of volumes: one, those that are older than a time, or all. Results: which went or
 * would go, which stayed as the last of their volume, and how much space was given back.
 */
export const deleteVolumeBackups: Action = async (world, config, parameters) => {
  const request = requestOf(parameters);
  const { confirm } = parameters;
  if (!request.dryRun && confirm !== request.volume)
    throw new CharmError(
      'parameter-invalid',
      `This removes backups for good. Nothing was removed yet. Run the action again with confirm=${request.volume}, or with dry-run=true to see which would go.`,
    );
  return resultsOf(await deleteBackups(world, config.volumes, request));
};

const requestOf = (parameters: Readonly<Record<string, unknown>>): DeleteBackupsRequest => {
  const { volume, backup, all } = parameters;
  const older = parameters['older-than'];
  const pattern = typeof volume === 'string' ? volume : '';
  if (!/^[a-z0-9][a-z0-9-]{0,62}\/[a-z0-9*?][a-z0-9*?.-]{0,252}$/.test(pattern))
    throw new CharmError(
      'parameter-invalid',
      `volume=${pattern} is neither the name of a volume, such as alice/lab-workspace, nor that of a user's volumes, such as alice/*. Nothing was removed.`,
    );
  const wishes: DeleteBackupsRequest['which'][] = [];
  if (typeof backup === 'string' && backup !== '')
    wishes.push({ kind: 'session', session: sessionOf(backup) });
  if (typeof older === 'string' && older !== '') wishes.push({ kind: 'older', than: ageOf(older) });
  if (all === true) wishes.push({ kind: 'all' });
  const [which, second] = wishes;
  if (which === undefined || second !== undefined)
    throw new CharmError(
      'parameter-invalid',
      'Say which backups are to go with one of backup=<id>, older-than=<time> and all=true. Nothing was removed.',
    );
  return { volume: pattern, which, dryRun: parameters['dry-run'] === true };
};

const sessionOf = (text: string): string => {
  if (isSessionId(text)) return text;
  throw new CharmError(
    'parameter-invalid',
    `backup=${text} is not the id of a backup, such as 20261121t030000z. Nothing was removed. Run list-volume-backups.`,
  );
};

const ageOf = (text: string): number => {
  const age = parseDuration(text);
  if (age !== undefined) return age;
  throw new CharmError(
    'parameter-invalid',
    `older-than=${text} is not a time, such as 90d or 12h. Nothing was removed.`,
  );
};

const resultsOf = ({
  chosen,
  spared,
  done,
}: DeleteBackupsReport): Readonly<Record<string, string>> => {
  const names = (backups: readonly StoredBackup[]): string =>
    listText(
      backups.map(({ session, volume }) => `${volume.namespace}/${volume.claim} ${session}`),
      ...([50, 3000] as const),
    ) || 'none';
  return {
    'dry-run': String(done === undefined),
    removed: names(chosen),
    'removed-backups': String(chosen.length),
    ...(spared.length > 0 && { spared: names(spared) }),
    ...(done !== undefined && { session: done.session, freed: sizeText(done.freed) }),
  };
};
