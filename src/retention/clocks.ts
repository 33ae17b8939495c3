import { CharmError } from '../errors.ts';
import type { BackupId } from '../repository/layout.ts';
import { aheadText } from '../text.ts';

/** Milliseconds. Clocks that agree to a minute are good enough. */
const tolerance = 60_000;

/** Whether the clock of the unit that made a set was ahead of ours. */
export const isOfTheFuture = (id: BackupId, now: Date): boolean =>
  Date.parse(id) - now.getTime() > tolerance;

/**
 * The problem when clocks are wrong, so that nothing may be removed. The policy goes by the dates
 * of the sets, and would take new sets for old ones when the clock of this unit, or of the unit
 * that made a set, was wrong. `ahead`: by how many milliseconds our clock is ahead of S3's, if that
 * is known.
 */
export const clockProblem = (
  staying: readonly { readonly id: BackupId }[],
  now: Date,
  ahead: number | undefined,
): CharmError | undefined => {
  const ids = staying.map(({ id }) => id).toSorted();
  const newest = ids.at(-1);
  if (ahead !== undefined && Math.abs(ahead) > tolerance)
    return new CharmError(
      'clock-wrong',
      `The clock of this unit is ${aheadText(ahead)} that of the S3 server, and what may be` +
        ' removed is decided by dates. Nothing was deleted. Correct the clock of the node, or of the server, and run the action prune.',
    );
  if (newest === undefined || !isOfTheFuture(newest, now)) return undefined;
  return new CharmError(
    'clock-wrong',
    `The backup ${newest} is dated later than now (${now.toISOString().slice(0, 19)}Z), so the clock of this unit is behind, or that of the unit which made` +
      ' it was ahead, and what may be removed is decided by dates. Nothing was deleted. Correct the clock and run the action prune; when only that' +
      ` backup has a wrong date: delete-backup backup-id=${newest}`,
  );
};
