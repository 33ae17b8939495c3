import { CharmError } from '../errors.ts';
import { compareKeys } from '../ports/key-order.ts';

/**
 * Reads a listing ahead of its reader, so that the next page is on its way while this one is worked
 * on. At most `room` items wait. The reader awaits only when nothing is there, which makes millions
 * of keys cheap.
 */
export interface ReadAhead<T> extends AsyncDisposable {
  /** The next item, which stays; undefined when none is there yet, or none comes any more. */
  peek(): T | undefined;
  skip(): void;
  /**
   * Resolves to true when an item is there, to false at the end; rejects when the listing failed.
   */
  ready(): Promise<boolean>;
  /**
   * Whether the listing has ended and every item was taken. False after a failure; then `ready`
   * rejects.
   */
  readonly ended: boolean;
}

/**
 * `name` is for the message about a listing that is not in the order of the keys; such a listing
 * cannot be compared.
 */
export const readAhead = <T extends { readonly key: string }>(
  items: AsyncIterable<T>,
  name: string,
  room = 2000,
): ReadAhead<T> => {
  const waiting: T[] = [];
  let first = 0;
  let end: { readonly error?: unknown } | undefined;
  let stopped = false;
  let wakeReader = (): void => undefined;
  let wakeWalker = (): void => undefined;

  const isStopped = (): boolean => stopped;
  const read = async (): Promise<void> => {
    let last: string | undefined;
    try {
      for await (const item of items) {
        if (isStopped()) return;
        const order = last === undefined ? 1 : compareKeys(item.key, last);
        if (order < 0) throw outOfOrder(name, item.key, last ?? '');
        if (order === 0) continue;
        last = item.key;
        if (first > room) {
          waiting.splice(0, first);
          first = 0;
        }
        waiting.push(item);
        if (waiting.length - first === 1) wakeWalker();
        while (waiting.length - first >= room && !isStopped())
          await new Promise<void>((resolve) => {
            wakeReader = resolve;
          });
        if (isStopped()) return;
      }
      end = {};
    } catch (error) {
      end = { error };
    } finally {
      wakeWalker();
    }
  };
  const reading = read();

  return {
    peek: () => waiting[first],
    skip: () => {
      first += 1;
      // Only when half of the room is free, so that the listing is not asked item by item.
      if (waiting.length - first <= room / 2) wakeReader();
    },
    get ended() {
      return end !== undefined && !('error' in end) && first >= waiting.length;
    },
    ready: async () => {
      while (first >= waiting.length) {
        if (end) {
          if ('error' in end) throw end.error;
          return false;
        }
        wakeReader();
        await new Promise<void>((resolve) => {
          wakeWalker = resolve;
        });
      }
      return true;
    },
    [Symbol.asyncDispose]: async () => {
      stopped = true;
      wakeReader();
      await reading;
    },
  };
};

const outOfOrder = (name: string, key: string, last: string): CharmError =>
  new CharmError(
    'store-corrupt',
    `The ${name} names ${JSON.stringify(key)} after ${JSON.stringify(last)}, which is not the order of S3, so it cannot be compared with what was backed up before. Nothing was deleted; find out what is wrong with that server.`,
  );
