import type { KeyRange, StoredObject } from '../../world.ts';
import { readAhead, type ReadAhead } from './read-ahead.ts';

/** What to read, for `readRanges`. */
export interface Ranges {
  readonly list: (range: KeyRange) => AsyncIterable<StoredObject>;
  /** Where one range ends and the next one begins; the last one has no end. */
  readonly bounds: AsyncIterable<string>;
  /** For messages. */
  readonly name: string;
  /** How many ranges are read side by side. */
  readonly lanes?: number;
}

/**
 * Reads a listing in ranges, several at a time, in the order of the keys. A server takes as long for each page as its disks and the
 * distance make it, one page after the other; ranges whose bounds an earlier list tells need not wait for each other.
 */
export const readRanges = ({ list, bounds, name, lanes = 4 }: Ranges): ReadAhead<StoredObject> => {
  const next = bounds[Symbol.asyncIterator]();
  const open: ReadAhead<StoredObject>[] = [];
  let after: string | undefined;
  let complete = false;

  const openMore = async (): Promise<void> => {
    while (open.length < lanes && !complete) {
      const bound = await next.next();
      const upTo = bound.done ? undefined : bound.value;
      open.push(readAhead(list({ startAfter: after, upTo }), name));
      after = upTo;
      complete = upTo === undefined;
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
