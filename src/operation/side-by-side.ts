/**
 * Runs several works at the same time, each under a signal that fires when the whole has to end,
 * and when one of them has failed. Waits until all of them have ended, so that none still changes
 * something while the caller puts things back. Then rejects with the reason of the signal, or with
 * what failed first.
 */
export const sideBySide = async <const Works extends readonly Work[]>(
  signal: AbortSignal,
  works: Works,
): Promise<{ -readonly [K in keyof Works]: Awaited<ReturnType<Works[K]>> }> => {
  const failed = new AbortController();
  const cancelled = AbortSignal.any([signal, failed.signal]);
  const outcomes = await Promise.allSettled(
    works.map(async (work) => {
      try {
        return await work(cancelled);
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    }),
  );
  signal.throwIfAborted();
  failed.signal.throwIfAborted();
  const values = outcomes.flatMap((outcome) =>
    outcome.status === 'fulfilled' ? [outcome.value] : [],
  );
  return values as { -readonly [K in keyof Works]: Awaited<ReturnType<Works[K]>> };
};

type Work = (cancelled: AbortSignal) => Promise<unknown>;
