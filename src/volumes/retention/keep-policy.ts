import type { VolumesKeep } from '../../config/volumes.ts';
import { CharmError } from '../../errors.ts';
import { backupIdAt } from '../../repository/layout.ts';
import { isOfTheFuture } from '../../retention/clocks.ts';
import { forget } from '../../retention/policy.ts';
import { aheadText } from '../../text.ts';
import { timeOfSession } from '../records/names.ts';
import type { StoredBackup } from '../records/stored-backups.ts';

/**
 * The backups that the policy does not keep, counted for each volume on its own, as the sets of the
 * control plane are counted. The newest backup of a volume and its newest complete one always stay.
 * Times are those of our own sessions.
 */
export const backupsToRemove = (
  backups: readonly StoredBackup[],
  keep: VolumesKeep,
): readonly StoredBackup[] =>
  volumesOf(backups).flatMap((ofOne) => {
    const byId = new Map(ofOne.map((backup) => [idOf(backup), backup]));
    const sets = ofOne.map((backup) => ({
      id: idOf(backup),
      consistent: isComplete(backup),
      ...{ parts: ['volume'], damaged: [] },
    }));
    return forget(sets, keep).remove.flatMap((id) => byId.get(id) ?? []);
  });

/** Of each volume the newest backup, and the newest complete one: these are never pushed out. */
export const protectedBackups = (backups: readonly StoredBackup[]): ReadonlySet<StoredBackup> =>
  new Set(
    volumesOf(backups).flatMap((ofOne) => {
      const newestFirst = ofOne.toSorted((one, other) => (one.session < other.session ? 1 : -1));
      return [newestFirst[0], newestFirst.find(isComplete)].filter((one) => one !== undefined);
    }),
  );

/** Milliseconds. What S3 has written last may be a minute old by now. */
const tolerance = 5 * 60_000;

/**
 * Why nothing may be removed, when a clock is wrong: the newest session is dated later than now, or
 * our clock and that of S3 differ. Undefined when they agree. `written`: when S3 says that it has
 * written what we have just written; undefined when it does not say.
 */
export const wrongClock = (
  newest: string | undefined,
  now: Date,
  written: Date | undefined,
): CharmError | undefined => {
  const ahead = written === undefined ? 0 : now.getTime() - written.getTime();
  if (Math.abs(ahead) > tolerance)
    return new CharmError(
      'clock-wrong',
      `The clock of this unit is ${aheadText(ahead)} that of the S3 server, and which backups of volumes are kept is decided by dates. None was removed. Correct the clock of the node, or of the server.`,
    );
  const time = newest === undefined ? undefined : timeOfSession(newest);
  if (time === undefined || !isOfTheFuture(backupIdAt(time), now)) return undefined;
  return new CharmError(
    'clock-wrong',
    `The session ${newest ?? ''} of volumes is dated later than now (${now.toISOString().slice(0, 19)}Z), and which backups are kept is decided by dates. None was removed. Correct the clock of the unit.`,
  );
};

const isComplete = ({ volume }: StoredBackup): boolean => volume.phase === 'Succeeded';

const idOf = ({ session }: StoredBackup) => backupIdAt(timeOfSession(session) ?? new Date(0));

const volumesOf = (backups: readonly StoredBackup[]): readonly (readonly StoredBackup[])[] => [
  ...Map.groupBy(
    backups.filter(({ session }) => timeOfSession(session) !== undefined),
    ({ volume }) => `${volume.repository} ${volume.namespace}/${volume.claim}`,
  ).values(),
];
