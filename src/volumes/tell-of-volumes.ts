import { type Teller, tell } from '../notify/tell.ts';
import { countText, durationText, listText, secondText, sizeText, sum } from '../text.ts';
import type { CharmError } from '../errors.ts';
import type { NoticeKind } from '../world.ts';
import { sessionIdAt } from './records/names.ts';
import type { SessionRecord, VolumeRecord } from './records/session-record.ts';
import type { Unrecorded } from './records/unused-slots.ts';

/**
 * Tells of a backup of volumes as it begins and when it has ended, also of one that was killed.
 * Restores, removals and verifications are not told: somebody asked for them, and sees how they
 * end.
 */
export const tellOfVolumes = async (world: Teller, record: SessionRecord): Promise<void> => {
  if (record.kind !== 'backup') return;
  const { kind, words } = noticeOf(record);
  const look = kind === 'failed' ? ` ${lookAt(world, record.id)}` : '';
  await tell(world, 'volumes', kind, `the backup of volumes ${record.id} ${words}${look}`);
};

/** Tells of a backup of volumes that has no session: it failed before one could begin. */
export const tellOfRefusal = async (
  world: Teller & { readonly task: string | undefined },
  { message, code }: CharmError,
): Promise<void> =>
  tell(
    world,
    'volumes',
    'failed',
    `the backup of volumes failed. ${message} [${code}] See: juju show-task ${world.task ?? '<id>'}`,
  );

/** Tells of times of volumes-schedule that got no backup. */
export const tellOfUnused = async (
  world: Teller,
  { phase, first, last, count, reason }: Unrecorded,
): Promise<void> => {
  const more = count > 1 ? ` and ${count - 1} after it, until ${secondText(last)},` : '';
  const what = phase === 'Failed' ? 'failed.' : `was not made (${phase.toLowerCase()}).`;
  await tell(
    world,
    'volumes',
    phase === 'Skipped' ? 'skipped' : 'failed',
    `the backup of volumes of ${secondText(first)}${more} ${what} ${reason} ${lookAt(world, sessionIdAt(first))}`,
  );
};

const lookAt = ({ application }: Teller, id: string): string =>
  `See: juju run ${application}/leader show-session session=${id}`;

const noticeOf = (record: SessionRecord): { readonly kind: NoticeKind; readonly words: string } => {
  const { phase, volumes, started, finished = started } = record;
  const made = volumes.filter((volume) => volume.phase === 'Succeeded');
  const seconds = (Date.parse(finished) - Date.parse(started)) / 1000;
  switch (phase) {
    case 'Running':
      return { kind: 'started', words: 'began.' };
    case 'Succeeded':
      return {
        kind: 'succeeded',
        words: `succeeded in ${durationText(seconds)}, ${countText(made.length, 'volume')}, ${sizeText(sum(volumes.map(({ added = 0 }) => added)))} added.`,
      };
    case 'Skipped':
      return { kind: 'skipped', words: 'had nothing to back up.' };
    default:
      return { kind: 'failed', words: whatFailed(record) };
  }
};

const whatFailed = ({ phase, reason, volumes }: SessionRecord): string => {
  const bad = volumes.filter((volume) => ['Failed', 'PartiallyFailed'].includes(volume.phase));
  const first = bad.find((volume) => volume.phase === 'Failed') ?? bad[0];
  const why = [first?.reason ?? reason ?? '', ...(first?.code ? [`[${first.code}]`] : [])];
  return `${phase === 'Failed' ? 'failed' : 'failed in part'}${bad.length > 0 ? `: ${bad.length} of ${countText(volumes.length, 'volume')} (${listText(bad.map(nameOf), 5)})` : ''}. ${why.join(' ')}`;
};

const nameOf = ({ namespace, claim }: VolumeRecord): string => `${namespace}/${claim}`;
