import { CharmError } from '../../errors.ts';
import { countText } from '../../text.ts';
import type { Source } from '../../world.ts';

/**
 * Why a bucket must not be backed up as it is: it is empty, or lists less than half of what the
 * last complete set did. A bucket that was lost or replaced looks like that, and retention would
 * let its backup push out the good ones.
 *
 * @param previousCount how many objects the last complete set has; undefined when there is none
 */
export const shrunkProblem = (
  { bucket, store }: Source,
  listed: number,
  previousCount: number | undefined,
): CharmError | undefined => {
  if (listed >= enough(previousCount)) return undefined;
  const before =
    previousCount === undefined ? '' : `, and the last complete set had ${previousCount}`;
  return new CharmError(
    'source-shrunk',
    `The source bucket ${bucket} (${store.description}) ${listed === 0 ? 'is empty' : `has only ${countText(listed, 'object')}`}${before}. The backup was refused` +
      ' and the copies of earlier sets are untouched. Find out what happened to the bucket; if it has to be like that, run the action with allow-shrink=true.',
  );
};

/** As `shrunkProblem`, before anything is copied: lists only as much of the bucket as it needs. */
export const looksShrunk = async (
  source: Source,
  previousCount: number | undefined,
): Promise<CharmError | undefined> => {
  let listed = 0;
  const objects = source.store.list('')[Symbol.asyncIterator]();
  while (listed < enough(previousCount) && !(await objects.next()).done) listed += 1;
  await objects.return?.();
  return shrunkProblem(source, listed, previousCount);
};

/** A set without objects may follow a set without objects. */
const enough = (previousCount: number | undefined): number =>
  previousCount === undefined ? 1 : Math.ceil(previousCount / 2);
