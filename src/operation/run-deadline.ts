import { CharmError } from '../errors.ts';
import { durationText } from '../text.ts';
import type { Clock } from '../world.ts';

/** Milliseconds; a timer of Node takes no longer time. */
const longest = 2 ** 31 - 1;

/**
 * Fires when a run takes longer than these milliseconds. The run then fails, and has the whole time
 * to put scales back, as if an operator had stopped it. A clock that is set does not matter: the
 * time that passes is measured.
 */
export const runDeadline = (clock: Pick<Clock, 'sleep'>, milliseconds: number): AbortSignal => {
  const late = new AbortController();
  void clock.sleep(Math.min(milliseconds, longest)).then(() => {
    late.abort(
      new CharmError(
        'deadline-exceeded',
        `The backup took longer than ${durationText(milliseconds / 1000)} (run-deadline) and was given up. What had been changed is put back, and no set is listed.`,
      ),
    );
  });
  return late.signal;
};
