import { CharmError } from '../errors.ts';
import { layoutOf } from '../repository/layout.ts';
import { readText } from '../repository/read-text.ts';
import { durationText, sizeText, tableText } from '../text.ts';
import {
  type SessionRecord,
  type VolumeRecord,
  readSession,
} from '../volumes/records/session-record.ts';
import type { World } from '../world.ts';
import { shortenedLog } from './action.ts';

/** Shows a session of users' volumes: what became of each, and its log. */
export const showVolumeSession = async (
  world: Pick<World, 'openTarget'>,
  id: string,
): Promise<Readonly<Record<string, string>>> => {
  const target = await world.openTarget();
  await using _store = target.store;
  const layout = layoutOf(target.prefix);
  const session = await readSession(target.store, layout, id);
  if (session === undefined)
    throw new CharmError(
      'session-missing',
      `There is no session ${id} of volumes under ${target.prefix} in ${target.store.description}. See juju run ${target.application}/leader list-sessions of=volumes.`,
    );
  const log = await readText(target.store, layout.volumeSessionLog(id));
  return { ...resultsOf(session), log: shortenedLog(log ?? 'No log was kept.') };
};

const resultsOf = (session: SessionRecord): Readonly<Record<string, string>> => {
  const { id, kind, phase, started, finished, task, slot, slots, reason } = session;
  const { volumes, repositories = [], removed = [], notRemoved } = session;
  return {
    ...{ session: id, kind, phase, started },
    trigger: slot === undefined ? 'operator' : 'schedule',
    ...(finished !== undefined && {
      finished,
      duration: durationText((Date.parse(finished) - Date.parse(started)) / 1000),
    }),
    ...(task !== undefined && { task }),
    ...(slot !== undefined && { slot }),
    ...(slots !== undefined && { slots: `${slots.count}, the last of them ${slots.last}` }),
    ...(reason !== undefined && { reason }),
    ...(repositories.length > 0 && { repositories: repositories.join(', ') }),
    ...(volumes.length > 0 && { volumes: tableOf(volumes) }),
    ...(removed.length > 0 && { removed: String(removed.length) }),
    ...(notRemoved !== undefined && { 'not-removed': notRemoved }),
  };
};

const tableOf = (volumes: readonly VolumeRecord[]): string =>
  tableText([
    ['VOLUME', 'PHASE', 'FILES', 'SIZE', 'ADDED', 'LIVE', 'REASON'],
    ...volumes.map(
      ({ namespace, claim, phase, files, bytes, added, usedBy, code, reason = '' }) => [
        ...[`${namespace}/${claim}`, phase, files === undefined ? '-' : String(files)],
        bytes === undefined ? '-' : sizeText(bytes),
        added === undefined ? '-' : sizeText(added),
        usedBy === undefined ? 'no' : 'yes',
        `${code === undefined ? '' : `[${code}] `}${reason}`,
      ],
    ),
  ]);
