import { CharmError } from '../errors.ts';
import type { Clock } from '../world.ts';

/** A pod that is asked to stop has 30 s (Juju's terminationGracePeriodSeconds), of which some are needed for the rest. */
const terminationSeconds = 20;

/** The waits inside of `work` end a little earlier, and have more to say. */
const graceSeconds = 5;

/**
 * Waits for `work`, but not for longer than `seconds`, nor than 20 s after `signal` has fired; then rejects with `scale-timed-out`. The work itself is not
 * stopped by that.
 */
export const within = async <T>(
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  seconds: number,
  work: () => Promise<T>,
): Promise<T> => {
  const over = new AbortController();
  const pass = async (some: number, until: AbortSignal): Promise<boolean> =>
    clock.sleep(some * 1000, until).then(
      () => true,
      () => false,
    );
  const limit = async (): Promise<never> => {
    const either = AbortSignal.any([signal, over.signal]);
    const passed = await pass(seconds + graceSeconds, either);
    if (!passed) await pass(terminationSeconds, over.signal);
    throw new CharmError(
      'scale-timed-out',
      passed
        ? `Juju did not do it within ${seconds} s.`
        : 'the unit was asked to stop, and Juju did not do it in the time that is left then.',
    );
  };
  try {
    return await Promise.race([work(), limit()]);
  } finally {
    over.abort();
  }
};
