import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CharmError, hasCode } from '../errors.ts';
import { mergeJoin } from '../repository/join.ts';
import { ownerOfClaim } from '../repository/nested-paths.ts';
import { cannotList, nearestFirst, nextTo, type StayingList, tellByTime } from './list-order.ts';
import { openCheckedList } from '../repository/checked-list.ts';
import { asBytes } from '../repository/lines-of-keys.ts';
import { type ListedObject, openObjectList } from '../repository/object-list.ts';
import { readAhead } from '../repository/read-ahead.ts';
import { inHistoryOrder, isVersion, keyInHistory } from '../repository/versions.ts';
import { asDue, compareByTime, type Due } from './by-time.ts';
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
 * So neither memory nor open connections grow with the number of objects or sets. What was judged
 * before (see `Judged`) is a candidate again only when a set that goes lists it. The removal at the
 * end of a backup looks only for what the sets that go list, and for what could not be told to be
 * ours afterwards. When few candidates are left, only their lines are read.
 */

/** So many candidates are few. Their keys are held in memory. */
const few = 20_000;

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
    ...before: readonly CandidateFile[]
  ): Promise<CandidateFile> => {
    passes += 1;
    const path = join(removal.scratch, `${bucket}.${place}.${passes}`);
    const file = await writeCandidates(path, interruptible(candidates, removal.signal));
    for (const { path: old } of before) await rm(old);
    return file;
  };

  const markListed = async (unmarked: CandidateFile): Promise<CandidateFile> => {
    let marked = unmarked;
    for (const { key } of removal.listsThatGo(bucket)) {
      if (marked.objects === 0) break;
      try {
        const lines = openObjectList(removal.store, key, await keysOfFew(asDue(marked)));
        marked = await write(walk.markListed(readCandidates(marked), lines), marked);
      } catch (error) {
        // Without this list fewer objects are known to be ours, so fewer are deleted.
        if (!hasCode(error, 'manifest-invalid', 'object-missing')) throw error;
        removal.judged.forget(bucket);
      }
    }
    return marked;
  };
  const keysOfFew = async (due: Due): Promise<ReadonlySet<string> | undefined> =>
    due.objects > few ? undefined : walk.keysOf(due.read());
  const withoutThoseOf = async (due: Due, { list }: StayingList): Promise<CandidateFile> => {
    const lines = openCheckedList(removal.store, list, await keysOfFew(due));
    const left = walk.withoutNeeded(due.read(), lines);
    return write(onlyPressing(removal, until, left), ...due.files);
  };

  const lists = removal.listsThatStay(bucket);
  const [newest, ...others] = lists;
  const listed = listCandidates(removal, prefix);
  let file = await write(
    newest ? walk.withoutNeeded(listed, openCheckedList(removal.store, newest.list)) : listed,
  );
  file = await markListed(file);
  const until = removal.judged.until(bucket);
  file = await write(onlyPressing(removal, until, readCandidates(file)), file);
  const going = removal.listsThatGo(bucket).map(({ id }) => id);
  const mayPassOver = tellByTime(lists);
  const read = newest ? [newest] : [];
  const compare = async (some: readonly StayingList[]): Promise<void> => {
    for (const other of some) {
      if (file.objects === 0) break;
      if (mayPassOver && cannotList(other, { place, newest: file.newest, read })) continue;
      file = await withoutThoseOf(asDue(file), other);
      read.push(other);
    }
  };
  if (place === 'history' && mayPassOver) {
    // One list has most of what the set next to it has.
    await compare(nextTo(others, going));
    const unread = others.filter((other) => !read.includes(other));
    const left = await compareByTime(file, unread, withoutThoseOf);
    return write(garbageAmong(removal, prefix, left, walk), ...left.files, file);
  }
  const unjudged =
    removal.isThorough && file.unlisted > 0 ? lists.filter(({ written }) => written >= until) : [];
  await compare(nearestFirst(others, [...going, ...unjudged.map(({ id }) => id)]));
  return write(garbageAmong(removal, prefix, asDue(file), walk), file);
};

/**
 * What the sets that go list, and what may be in no list: of a thorough removal what was not judged
 * yet, such as what a dead backup copied; of any removal what the next one could not tell any more
 * to be ours. What was passed over in the mirror because a set that goes lists another version of
 * its key is looked at again. Nothing that is in use for another version goes before it is listed.
 */
async function* onlyPressing(
  { oldestStart, oldestStayingStart, isThorough }: Removal,
  until: number,
  candidates: Candidates,
): AsyncGenerator<Candidate> {
  for await (const candidate of candidates) {
    const { listed, inUse, freed, modified } = candidate;
    const isLastChance =
      modified >= oldestStart.getTime() && modified < oldestStayingStart.getTime();
    const isNew = modified > until && (isThorough || isLastChance);
    if (listed === true || (inUse !== true && (isNew || (freed === true && modified <= until))))
      yield candidate;
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
  due: Due,
  walk: Walk,
): AsyncGenerator<Candidate> {
  for await (const candidate of due.read()) {
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
  /** The keys whose lines tell of these candidates; undefined when the names do not tell. */
  keysOf(candidates: Candidates): Promise<ReadonlySet<string> | undefined>;
  withoutNeeded(candidates: Candidates, lines: Lines): Candidates;
  markListed(candidates: Candidates, lines: Lines): Candidates;
  isOurName(key: string): boolean;
}

const mirrorWalk: Walk = {
  keysOf: async (candidates) => asBytes(await Array.fromAsync(candidates, ({ key }) => key)),
  withoutNeeded: async function* (candidates, lines) {
    for await (const [item, match] of inMirror(candidates, lines)) {
      if (item === undefined) continue;
      if (match === undefined) yield item;
      else if (!isVersion(item, match)) yield { ...item, inUse: true };
    }
  },
  markListed: async function* (candidates, lines) {
    for await (const [item, match] of inMirror(candidates, lines))
      if (item)
        yield match
          ? { ...item, ...(isVersion(item, match) ? { listed: true } : { freed: true }) }
          : item;
  },
  isOurName: () => true,
};

const inMirror = (candidates: Candidates, lines: Lines) =>
  mergeJoin(
    { items: readAhead(candidates, 'listing of the mirror') },
    { items: readAhead(lines, 'object list') },
  );

const historyWalk: Walk = {
  keysOf: async (candidates) => {
    const keys = await Array.fromAsync(candidates, ({ key }) => keyInHistory(key));
    return keys.every((key) => key !== undefined) ? asBytes(keys) : undefined;
  },
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
