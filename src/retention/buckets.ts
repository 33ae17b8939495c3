import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CharmError, hasCode } from '../errors.ts';
import { mergeJoin } from '../repository/join.ts';
import { ownerOfClaim } from '../repository/nested-paths.ts';
import { cannotList, nearestFirst, tellByTime } from './list-order.ts';
import { openCheckedList } from '../repository/checked-list.ts';
import { type ListedObject, openObjectList } from '../repository/object-list.ts';
import { readAhead } from '../repository/read-ahead.ts';
import { inHistoryOrder, isVersion } from '../repository/versions.ts';
import {
  readCandidates,
  writeCandidates,
  type Candidate,
  type CandidateFile,
} from './candidates.ts';
import type { Removal } from './removal.ts';

/*
 * Which objects of a bucket's mirror and history no set needs. An object is deleted when all of
 * this is true:
 *
 * - No set that stays lists this version of it (key and ETag).
 * - It is not newer than the newest complete set. Newer objects come from a backup that was
 *   interrupted, and the next backup uses them instead of copying them again.
 * - It is ours: a set that goes lists this version; or it was written after the oldest known set,
 *   when the prefix belonged to this charm already. Objects that were in the mirror before, such
 *   as an operator's own copy, stay.
 * - In the mirror: no set that stays lists another version of its key, or a set that goes lists
 *   this version. (When a bucket was moved to another server its ETags can differ, and then this is
 *   the only copy of the object.)
 *
 * The object lists are read one after another, and each pass leaves a smaller file of candidates.
 * So neither memory nor open connections grow with the number of objects or sets. The removal at
 * the end of a backup looks only for what the sets that go list, and for what could not be told to
 * be ours afterwards. It reads only the lists that may have that too.
 */

export const findBucketGarbage = async (
  removal: Removal,
  bucket: string,
  place: 'mirror' | 'history',
): Promise<CandidateFile> => {
  const { layout } = removal;
  const walk = place === 'mirror' ? mirrorWalk : historyWalk;
  const prefix = place === 'mirror' ? layout.mirror(bucket) : layout.history(bucket);
  let passes = 0;
  const write = async (
    candidates: AsyncIterable<Candidate>,
    before?: CandidateFile,
  ): Promise<CandidateFile> => {
    passes += 1;
    const path = join(removal.scratch, `${bucket}.${place}.${passes}`);
    const file = await writeCandidates(path, interruptible(candidates, removal.signal));
    if (before) await rm(before.path);
    return file;
  };

  const markListed = async (unmarked: CandidateFile): Promise<CandidateFile> => {
    let marked = unmarked;
    for (const { key } of removal.listsThatGo(bucket)) {
      if (marked.objects === 0) break;
      try {
        const lines = openObjectList(removal.store, key);
        marked = await write(walk.markListed(readCandidates(marked), lines), marked);
      } catch (error) {
        // Without this list fewer objects are known to be ours, so fewer are deleted.
        if (!hasCode(error, 'manifest-invalid', 'object-missing')) throw error;
      }
    }
    return marked;
  };

  const lists = removal.listsThatStay(bucket);
  const [newest, ...others] = lists;
  const listed = listCandidates(removal, prefix);
  let file = await write(
    newest ? walk.withoutNeeded(listed, openCheckedList(removal.store, newest.list)) : listed,
  );
  if (!removal.isThorough) {
    file = await markListed(file);
    file = await write(onlyPressing(removal, file), file);
  }
  const going = removal.listsThatGo(bucket).map(({ id }) => id);
  const mayPassOver = !removal.isThorough && tellByTime(lists);
  const read = newest ? [newest] : [];
  for (const other of removal.isThorough ? others : nearestFirst(others, going)) {
    if (file.objects === 0) break;
    const isNeedless =
      file.unlisted === 0 && cannotList(other, { place, newest: file.newest, read });
    if (mayPassOver && isNeedless) continue;
    const lines = openCheckedList(removal.store, other.list);
    file = await write(walk.withoutNeeded(readCandidates(file), lines), file);
    read.push(other);
  }
  if (removal.isThorough) file = await markListed(file);
  return write(garbageAmong(removal, prefix, file, walk), file);
};

/**
 * What the sets that go list; and what no list has, such as what a dead backup copied, when the
 * next removal could not tell any more that it is ours.
 */
async function* onlyPressing(
  { oldestStart, oldestStayingStart }: Removal,
  file: CandidateFile,
): AsyncGenerator<Candidate> {
  for await (const candidate of readCandidates(file)) {
    const { listed, inUse, modified } = candidate;
    const isLastChance =
      modified >= oldestStart.getTime() && modified < oldestStayingStart.getTime();
    if (listed === true || (isLastChance && inUse !== true)) yield candidate;
  }
}

async function* listCandidates(
  { store, newestCommit }: Removal,
  prefix: string,
): AsyncGenerator<Candidate> {
  for await (const { key, size, etag, lastModified } of store.list(prefix)) {
    if (lastModified > newestCommit) continue;
    yield { key: key.slice(prefix.length), size, etag, modified: lastModified.getTime() };
  }
}

async function* garbageAmong(
  { store, oldestStart }: Removal,
  prefix: string,
  file: CandidateFile,
  walk: Walk,
): AsyncGenerator<Candidate> {
  for await (const candidate of readCandidates(file)) {
    const isOurs = candidate.modified >= oldestStart.getTime() && walk.isOurName(candidate.key);
    if (candidate.listed === true) yield candidate;
    else if (isOurs && candidate.inUse !== true) {
      const owner = await ownerOfClaim(store, prefix + candidate.key);
      if (owner !== undefined) throw isOfAnother(prefix + candidate.key, owner);
      yield candidate;
    }
  }
}

const isOfAnother = (key: string, owner: string): CharmError =>
  new CharmError(
    'prefix-claimed',
    `${key} says that the model ${owner} keeps its backups there, inside of this model's own objects. Nothing was deleted, because the two cannot be told` +
      ' apart. Move those backups to a path of their own, or delete that object when they are of no use.',
  );

type Lines = AsyncIterable<ListedObject>;
type Candidates = AsyncIterable<Candidate>;

interface Walk {
  withoutNeeded(candidates: Candidates, lines: Lines): Candidates;
  markListed(candidates: Candidates, lines: Lines): Candidates;
  isOurName(key: string): boolean;
}

const mirrorWalk: Walk = {
  withoutNeeded: async function* (candidates, lines) {
    for await (const [item, match] of inMirror(candidates, lines)) {
      if (item === undefined) continue;
      if (match === undefined) yield item;
      else if (!isVersion(item, match)) yield { ...item, inUse: true };
    }
  },
  markListed: async function* (candidates, lines) {
    for await (const [item, match] of inMirror(candidates, lines))
      if (item) yield match && isVersion(item, match) ? { ...item, listed: true } : item;
  },
  isOurName: () => true,
};

const inMirror = (candidates: Candidates, lines: Lines) =>
  mergeJoin(
    { items: readAhead(candidates, 'listing of the mirror') },
    { items: readAhead(lines, 'object list') },
  );

const historyWalk: Walk = {
  withoutNeeded: async function* (candidates, lines) {
    for await (const [item, match] of inHistory(candidates, lines))
      if (item && match === undefined) yield item;
  },
  markListed: async function* (candidates, lines) {
    for await (const [item, match] of inHistory(candidates, lines))
      if (item) yield match ? { ...item, listed: true } : item;
  },
  // `<key>/<etag>`, the name of a replaced version.
  isOurName: (key) => /.\/[0-9a-f]{32}(-\d+)?$/.test(key),
};

const inHistory = (candidates: Candidates, lines: Lines) =>
  mergeJoin(
    { items: readAhead(candidates, 'listing of the history') },
    { items: readAhead(inHistoryOrder(lines), 'object list') },
  );

async function* interruptible<T>(items: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  for await (const item of items) {
    signal.throwIfAborted();
    yield item;
  }
}
