import { isFields, isTimeText } from '../ports/fields.ts';
import type { BackupId, Layout } from '../repository/layout.ts';
import { readText } from '../repository/read-text.ts';
import type { ObjectStore } from '../world.ts';
import type { Survey } from './survey.ts';

/**
 * Until when all that lies in the mirror and the history of a bucket has been judged: what was
 * there then is listed by a set, or not ours. So what no set lists is looked for among newer
 * objects only, and what was judged is looked at again when a set that lists it goes.
 */
export interface Judged {
  /** Milliseconds since 1970, by the clock of S3; 0 when nothing was judged. */
  until(bucket: string): number;
  /** All of the bucket has to be judged again, because it is not known what a set had listed. */
  forget(bucket: string): void;
  /**
   * To be called when all that goes is gone, and the sets `stay` are left. `buckets` are those that
   * were judged until `newestCommit`. What is newer has to be judged later: the next backup may use
   * it.
   */
  afterRemoval(
    stay: readonly BackupId[],
    buckets: readonly string[],
    newestCommit: Date,
  ): Promise<void>;
}

/** What `sets/judged.json` says. */
interface Stored {
  readonly format: 1;
  /** ISO 8601, by bucket. */
  readonly until: Readonly<Record<string, string>>;
  /** The sets that were there then. */
  readonly sets: readonly string[];
}

/**
 * Milliseconds by which the times of a store's servers may differ, or by which an upload began
 * earlier than it was seen.
 */
const margin = 15 * 60_000;

/**
 * Reads what was judged. It counts only while each set of that time is still there, or what its
 * interrupted removal left: nobody knows what a set had listed that went in another way.
 */
export const readJudged = async (
  store: ObjectStore,
  layout: Layout,
  { complete, left }: Survey,
): Promise<Judged> => {
  const stored = parse(await readText(store, layout.judged));
  const known = new Set<string>([...complete, ...left].map(({ id }) => id));
  const counts = stored?.sets.every((id) => known.has(id)) === true;
  const until = new Map<string, number>();
  for (const [bucket, time] of Object.entries(counts ? stored.until : {}))
    until.set(bucket, Date.parse(time));
  return {
    until: (bucket) => Math.max(0, (until.get(bucket) ?? 0) - margin),
    forget: (bucket) => {
      until.delete(bucket);
    },
    afterRemoval: async (stay, buckets, newestCommit) => {
      const newest = newestCommit.getTime();
      for (const [bucket, time] of until) until.set(bucket, Math.min(time, newest));
      for (const bucket of buckets) until.set(bucket, newest);
      const times = [...until].map(
        ([bucket, time]) => [bucket, new Date(time).toISOString()] as const,
      );
      const now: Stored = { format: 1, until: Object.fromEntries(times), sets: stay };
      if (until.size > 0 || stored !== undefined)
        await store.put(layout.judged, JSON.stringify(now));
    },
  };
};

const parse = (text: string | undefined): Stored | undefined => {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return isStored(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

const isStored = (value: unknown): value is Stored =>
  isFields(value) &&
  value['format'] === 1 &&
  isFields(value['until']) &&
  Object.values(value['until']).every((time) => typeof time === 'string' && isTimeText(time)) &&
  Array.isArray(value['sets']) &&
  value['sets'].every((id) => typeof id === 'string');
