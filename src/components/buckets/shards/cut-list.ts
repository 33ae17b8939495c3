import type { ListedObject } from '../../../repository/object-list.ts';
import { sum } from '../../../text.ts';

/** Shards of all buckets together: so that one page of a listing tells how all of them stand. */
const mostShards = 500;
/** A small object costs as much time as so many bytes of a large one. */
const bytesPerObject = 256 * 2 ** 10;
/** The work, in small objects, from which on a shard is worth the five requests that it costs. */
const leastWork = 250;
/** So that a unit has enough to do side by side, also with large objects. */
const fewestInShard = 32;

/** A list, or a part of it. `size` is bytes. */
interface Amount {
  readonly objects: number;
  readonly size: number;
}

/** Into how many shards a list is cut. */
export const shardsFor = ({ objects, size }: Amount): number =>
  Math.max(
    1,
    Math.min(
      mostShards,
      Math.floor(workOf(objects, size) / leastWork),
      Math.floor(objects / fewestInShard),
    ),
  );

/** Tells of each object of a list, in order, whether a shard ends with it. */
export type Cutter = (object: Pick<ListedObject, 'size'>) => boolean;

/**
 * Cuts a list into shards of about equal work: each object counts for its bytes and its requests.
 * `objects` and `size` are those of the whole list.
 */
export const cutterFor = (whole: Amount): Cutter => {
  const shards = shardsFor(whole);
  const share = workOf(whole.objects, whole.size) / shards;
  let work = 0;
  let ended = 0;
  return (object) => {
    work += workOf(1, object.size);
    if (work < (ended + 1) * share || ended >= shards - 1) return false;
    ended = Math.floor(work / share);
    return true;
  };
};

/** Which part one of several works was, that were done together: from 0 to 1. */
export const partOf = (works: readonly number[], index: number): number => {
  const all = sum(works);
  return all === 0 ? 1 / works.length : (works[index] ?? 0) / all;
};

/** In small objects. */
export const workOf = (objects: number, size: number): number => objects + size / bytesPerObject;
