import pLimit from 'p-limit';

/**
 * The results of all, in their order, of which so many are worked on at a time. When one fails,
 * none is begun any more, and this rejects when those that were begun have ended.
 */
export const inTurns = async <T, R>(
  most: number,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> => {
  const limit = pLimit(most);
  const failed = new AbortController();
  const ends = items.map((item) =>
    limit(async () => {
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
