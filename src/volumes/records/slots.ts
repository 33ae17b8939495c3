/** Lets so many run at a time, in the order in which they came. */
export const slots = (most: number): (<T>(work: () => Promise<T>) => Promise<T>) => {
  let free = most;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      waiting.push(() => {
        resolve(undefined);
      });
      await promise;
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
};

/**
 * The results of all, in their order, of which so many are worked on at a time. When one fails,
 * none is begun any more, and this rejects when those that were begun have ended.
 */
export const inTurns = async <T, R>(
  most: number,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> => {
  const slot = slots(most);
  const failed = new AbortController();
  const ends = items.map((item) =>
    slot(async () => {
      failed.signal.throwIfAborted();
      try {
        return await work(item);
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    }),
  );
  await Promise.allSettled(ends);
  failed.signal.throwIfAborted();
  return Promise.all(ends);
};
