import type { ListedObject } from '../../repository/object-list.ts';
import { readAhead, type ReadAhead } from '../../repository/read-ahead.ts';
import type { KeyRange, StoredObject } from '../../world.ts';

/** What to read, for `readRanges`. */
interface Ranges {
  readonly list: (range: KeyRange) => AsyncIterable<StoredObject>;
  /** The keys at which one range ends and the next one begins. The last range has no end. */
  readonly bounds: AsyncIterable<string>;
  /** The keys that are read at all. The bounds lie in it. */
  readonly range?: KeyRange | undefined;
  /** For messages. */
  readonly name: string;
  /** How many ranges are read side by side. */
  readonly lanes?: number;
}

/**
 * Reads a listing in ranges, several at a time, in the order of the keys. A server gives one page
 * after the other, and each takes time for its disks and the distance. Ranges can be listed at the
 * same time; an earlier list tells their bounds.
 */
export const readRanges = ({
  list,
  bounds,
  range = {},
  name,
  lanes = 4,
}: Ranges): ReadAhead<StoredObject> => {
  const next = bounds[Symbol.asyncIterator]();
  const open: ReadAhead<StoredObject>[] = [];
  let after = range.startAfter;
  let complete = false;

  const openMore = async (): Promise<void> => {
    while (open.length < lanes && !complete) {
      const bound = await next.next();
      const upTo = bound.done ? range.upTo : bound.value;
      open.push(readAhead(list({ startAfter: after, upTo }), name));
      after = upTo;
      complete = bound.done === true;
    }
  };

  return {
    peek: () => open[0]?.peek(),
    skip: () => open[0]?.skip(),
    get ended() {
      return complete && open.length === 1 && open[0]?.ended === true;
    },
    ready: async () => {
      for (;;) {
        await openMore();
        const [current] = open;
        if (!current) return false;
        if (await current.ready()) return true;
        if (complete && open.length === 1) return false;
        open.shift();
        await current[Symbol.asyncDispose]();
      }
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(open.map((range) => range[Symbol.asyncDispose]()));
    },
  };
};

/**
 * An earlier list of a bucket, and bounds taken from its keys. All three are read at the same time,
 * each once.
 */
interface Baseline {
  readonly objects: AsyncIterable<ListedObject>;
  /** One of every so many keys, for each of the two listings. They run ahead of `objects`. */
  readonly bounds: {
    readonly source: AsyncIterable<string>;
    readonly mirror: AsyncIterable<string>;
  };
}

/**
 * A page of a listing has 1000 keys. With somewhat fewer keys between two bounds, a range with some
 * new keys still fits into a page.
 */
const keysInRange = 900;

/**
 * Reads an earlier list as far as the readers of its bounds need, and keeps what `objects` has not
 * taken yet.
 */
export const readBaseline = (list: AsyncIterable<ListedObject> = nothing()): Baseline => {
  const source = list[Symbol.asyncIterator]();
  const waiting: ListedObject[] = [];
  const bounds = { source: new Array<string>(), mirror: new Array<string>() };
  let ended = false;
  let advancing: Promise<void> | undefined;

  const readRange = async (): Promise<void> => {
    for (let count = 0; count < keysInRange; count += 1) {
      const next = await source.next();
      if (next.done) {
        ended = true;
        return;
      }
      waiting.push(next.value);
      if (count < keysInRange - 1) continue;
      bounds.source.push(next.value.key);
      bounds.mirror.push(next.value.key);
    }
  };
  /**
   * All readers that need the next step wait for the same promise. When a step has failed, it has
   * failed for all of them and for good.
   */
  const advance = (): Promise<void> =>
    (advancing ??= readRange().then(() => {
      advancing = undefined;
    }));

  const objects = async function* (): AsyncGenerator<ListedObject> {
    try {
      while (waiting.length > 0 || !ended) {
        if (waiting.length === 0) await advance();
        yield* waiting.splice(0);
      }
    } finally {
      ended = true;
      await source.return?.();
    }
  };
  const boundsOf = async function* (queue: string[]): AsyncGenerator<string> {
    while (queue.length > 0 || !ended) {
      if (queue.length === 0) await advance();
      const bound = queue.shift();
      if (bound !== undefined) yield bound;
    }
  };
  return {
    objects: objects(),
    bounds: { source: boundsOf(bounds.source), mirror: boundsOf(bounds.mirror) },
  };
};

async function* nothing(): AsyncGenerator<never> {
  // There is no earlier list.
}
