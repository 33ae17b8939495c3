import type { BackupId } from '../repository/layout.ts';
import type { BucketBackup } from '../repository/manifest.ts';

/** The object list of a set that stays. */
export interface StayingList extends Pick<BucketBackup, 'list' | 'noneCameBackSince'> {
  readonly id: BackupId;
  /** When S3 got it, in milliseconds since 1970. */
  readonly written: number;
  /** Whether its set is ours as far as signatures tell. */
  readonly isTrusted: boolean;
}

/** Milliseconds: listings tell times to the second. */
const margin = 1000;

/**
 * Whether the list of a set that stays cannot have a version that lists of sets that go have, and
 * that no list in `read` has. `newest` is when the newest of these versions was written to where it
 * lies, in milliseconds since 1970. All times are those of S3.
 *
 * - A version comes into the history, or comes there again, when it is replaced in the mirror. A
 *   set that was listed after that does not have it.
 * - A version that an older set has not, and that was in the mirror by then, is in a newer set only
 *   when it came back; and the sets tell since when none did.
 */
export const cannotList = (one: StayingList, { place, newest, read }: Missing): boolean =>
  place === 'history'
    ? one.written >= newest + margin
    : read.some(
        ({ id, written }) =>
          id < one.id &&
          written >= newest + margin &&
          one.noneCameBackSince !== undefined &&
          one.noneCameBackSince <= id,
      );

interface Missing {
  readonly place: 'mirror' | 'history';
  readonly newest: number;
  readonly read: readonly StayingList[];
}

/**
 * The index of the first of these lists, newest first, that may have a version which came into the
 * history at that time; their number when none may.
 */
export const newestThatMayList = (lists: readonly StayingList[], modified: number): number => {
  let [from, to] = [0, lists.length];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if ((lists[middle]?.written ?? 0) >= modified + margin) from = middle + 1;
    else to = middle;
  }
  return from;
};

/** The lists of sets with none between them and one that goes. */
export const nextTo = (
  lists: readonly StayingList[],
  going: readonly BackupId[],
): readonly StayingList[] => {
  const ids = [...lists.map(({ id }) => id), ...going].toSorted();
  const goes = new Set(going);
  return lists.filter(({ id }) => {
    const place = ids.indexOf(id);
    return [ids[place - 1], ids[place + 1]].some((next) => next !== undefined && goes.has(next));
  });
};

/**
 * The lists in the order in which they most likely have what the sets that go have: first those of
 * their neighbours in time.
 */
export const nearestFirst = (
  lists: readonly StayingList[],
  going: readonly BackupId[],
): readonly StayingList[] => {
  const ids = [...lists.map(({ id }) => id), ...going].toSorted();
  const places = going.map((id) => ids.indexOf(id));
  const distance = ({ id }: StayingList): number =>
    Math.min(...places.map((place) => Math.abs(place - ids.indexOf(id))));
  return lists.toSorted((a, b) => distance(a) - distance(b));
};

/**
 * Whether the times of the lists tell what they may have: S3 got them in the order of their ids, so
 * no clock went back meanwhile, and nobody else wrote one.
 */
export const tellByTime = (lists: readonly StayingList[]): boolean =>
  lists.every(({ isTrusted }) => isTrusted) &&
  lists
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .every(({ written }, index, all) => index === 0 || written >= (all[index - 1]?.written ?? 0));
