import { provesContent } from '../../repository/etag.ts';
import { mergeJoin } from '../../repository/join.ts';
import { type ListedObject, storedEtag } from '../../repository/object-list.ts';
import { readAhead, type ReadAhead } from '../../repository/read-ahead.ts';
import type { KeyRange, Source, StoredObject, Target } from '../../world.ts';
import { readBaseline, readRanges } from './ranges.ts';

/**
 * An object of the source, together with the object under its key in the mirror and its line in the
 * last list.
 */
export interface Comparison {
  readonly source: StoredObject;
  /** With its key in the mirror's bucket. */
  readonly mirror: StoredObject | undefined;
  readonly listed: ListedObject | undefined;
}

/** The three listings. The mirror's keys begin with `prefix`. */
interface Listings {
  readonly source: ReadAhead<StoredObject>;
  readonly mirror: ReadAhead<StoredObject>;
  readonly prefix: string;
  readonly baseline?: ReadAhead<ListedObject>;
}

/**
 * Compares the source with its mirror and the last list, whose keys tell how both can be listed in
 * ranges.
 */
export const compareMirror = (
  from: Source,
  to: Target,
  {
    mirror,
    baseline,
    range,
  }: {
    readonly mirror: string;
    readonly baseline: AsyncIterable<ListedObject> | undefined;
    readonly range?: KeyRange | undefined;
  },
): AsyncIterable<Comparison> => {
  const { objects, bounds } = readBaseline(baseline);
  const inMirror = (key: string | undefined): string | undefined => key && mirror + key;
  return compareBuckets({
    source: readRanges({
      list: (range) => from.store.list('', range),
      ...{ bounds: bounds.source, range },
      name: 'listing of the source',
    }),
    mirror: readRanges({
      list: ({ startAfter, upTo }) =>
        to.store.list(mirror, { startAfter: inMirror(startAfter), upTo: inMirror(upTo) }),
      ...{ bounds: bounds.mirror, range },
      name: 'listing of the mirror',
    }),
    prefix: mirror,
    baseline: readAhead(objects, 'last object list'),
  });
};

/**
 * Walks the listings side by side and yields every object of the source, in order and in constant
 * memory. Objects that only the mirror or the last list has are skipped: nothing is deleted. Ends
 * with the source, and disposes of the listings.
 */
export async function* compareBuckets({
  source,
  mirror,
  prefix,
  baseline,
}: Listings): AsyncGenerator<Comparison> {
  const joined = mergeJoin(
    { items: source },
    { items: mirror, prefix },
    baseline && { items: baseline },
  );
  for await (const [object, copy, listed] of joined) {
    if (object !== undefined) yield { source: object, mirror: copy, listed };
    else if (source.ended) return;
  }
}

/**
 * Whether the mirror already holds this object. It does when the mirror still has the copy that the
 * last list names, or when the mirror's ETag proves it, as after a pass that was interrupted. An
 * object that was written again since counts as changed even when its ETag is the same: its tags or
 * other metadata may have changed, and some servers give the same ETag to other bytes.
 */
export const isUnchanged = (comparison: Comparison): boolean => {
  const { source, mirror, listed } = comparison;
  if (!mirror || mirror.size !== source.size || isWrittenAgain(comparison)) return false;
  if (listed?.size === source.size && listed.etag === source.etag)
    return mirror.etag === (listed.mirrorEtag ?? listed.etag) || provesContent(mirror, source);
  return provesContent(mirror, source);
};

/** Whether an object was written since the last list, although its size and ETag are the same. */
const isWrittenAgain = ({ source, listed }: Comparison): boolean =>
  listed?.size === source.size &&
  listed.etag === source.etag &&
  !isSameSecond(new Date(listed.lastModified), source.lastModified);

/**
 * Whether the mirror has had this version since before the last list, which does not have it: the
 * object was deleted and came back, or an operator had put it there.
 */
export const isBack = ({ source, mirror, listed }: Comparison, lastListed: Date): boolean =>
  mirror?.size === source.size &&
  mirror.lastModified <= lastListed &&
  (listed === undefined || storedEtag(listed) !== mirror.etag);

/** Whether two times are of the same second: HEAD tells no more than that. */
export const isSameSecond = (a: Date, b: Date): boolean => seconds(a) === seconds(b);

const seconds = (time: Date): number => Math.floor(time.getTime() / 1000);
