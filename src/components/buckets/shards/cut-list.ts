import type { ListedObject } from '../../../repository/object-list.ts';
import { fewestInShard } from './shard.ts';

/** Shards of all buckets together: so that one page of a listing tells how all of them stand. */
const mostShards = 500;
/** A small object costs as much time as so many bytes of a large one. */
const bytesPerObject = 256 * 2 ** 10;

/** Tells of each object of a list, in order, whether a shard ends with it. */
export type Cutter = (object: Pick<ListedObject, 'size'>) => boolean;

/**
 * Cuts a list into shards of about equal work: each object counts for its bytes and its requests.
 * `objects` and `size` are those of the whole list.
 */
export const cutterFor = ({
  objects,
  size,
}: {
  readonly objects: number;
  readonly size: number;
}): Cutter => {
  const shards = Math.min(mostShards, Math.floor(objects / fewestInShard));
  const share = workOf(objects, size) / Math.max(1, shards);
  let work = 0;
  let ended = 0;
  return (object) => {
    work += workOf(1, object.size);
    if (work < (ended + 1) * share || ended >= shards - 1) return false;
    ended = Math.floor(work / share);
    return true;
  };
};

const workOf = (objects: number, size: number): number => objects + size / bytesPerObject;
