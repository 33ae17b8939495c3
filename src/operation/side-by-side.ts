/**
 * Runs works side by side, each under a signal that fires when the whole has to end, and when one
 * of them has failed. Waits until all of them have ended, so that nothing goes on behind the back
 * of who puts things right; then rejects with the reason of the signal, or with what failed first.
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
