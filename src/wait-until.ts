import type { Clock } from './ports/clock.ts';

/** How long to wait for something, and how often to ask. */
interface Patience {
  readonly clock: Clock;
  readonly seconds: number;
  /** Milliseconds between two questions; by default 200 at first, and later up to 3000. */
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
  const deadline = clock.now().getTime() + seconds * 1000;
  let next = pause ?? 200;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (clock.now().getTime() >= deadline) return tooLate();
    await clock.sleep(next, signal);
    if (pause === undefined) next = Math.min(next * 1.5, 3000);
  }
};
