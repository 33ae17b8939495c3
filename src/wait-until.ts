import type { Clock } from './ports/clock.ts';

/** How long to wait for something, and how often to ask. */
interface Patience {
  readonly clock: Clock;
  readonly seconds: number;
  /**
   * Milliseconds between two questions. By default a fortieth of what was waited so far, 200 to
   * 3000, so that no long wait is more than a fortieth longer than it has to be.
   */
  readonly pause?: number;
  /** Ends the wait with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks again and again until there is an answer, and resolves with it. Asks at least once. When
 * `seconds` have passed without an answer, `tooLate` gives one instead, or throws.
 */
export const waitUntil = async <Answer>(
  { clock, seconds, pause, signal }: Patience,
  ask: () => Promise<Answer | undefined>,
  tooLate: () => Answer | Promise<Answer>,
): Promise<Answer> => {
  const began = clock.now().getTime();
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    const waited = clock.now().getTime() - began;
    if (waited >= seconds * 1000) return tooLate();
    await clock.sleep(pause ?? Math.min(Math.max(waited / 40, 200), 3000), signal);
  }
};
