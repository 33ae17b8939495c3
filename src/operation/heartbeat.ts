import type { Clock, Progress } from '../world.ts';

/** Says at least every 30 s what the long steps of a backup are doing. */
export interface Heartbeat {
  /** Runs `work`, and logs what `describe` returns at every beat. */
  during<T>(describe: () => string, work: () => Promise<T>): Promise<T>;
}

const second = 1000;
const hour = 3600 * second;

/**
 * Juju 3.6 drops every line of an action's log after the thousandth, so beats become rarer in a
 * backup that takes hours: about 360 lines in the first three hours, and fewer than 800 in a day.
 */
const interval = (elapsed: number): number =>
  (elapsed < 3 * hour ? 30 : elapsed < 6 * hour ? 60 : 300) * second;

export const startHeartbeat = (world: {
  readonly clock: Clock;
  readonly progress: Progress;
}): Heartbeat & AsyncDisposable => {
  const steps = new Set<() => string>();
  const stop = new AbortController();
  const beats = beat(world, steps, stop.signal);
  return {
    during: async (describe, work) => {
      steps.add(describe);
      try {
        return await work();
      } finally {
        steps.delete(describe);
      }
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await beats;
    },
  };
};

const beat = async (
  { clock, progress }: { readonly clock: Clock; readonly progress: Progress },
  steps: ReadonlySet<() => string>,
  signal: AbortSignal,
): Promise<void> => {
  const started = clock.now().getTime();
  for (;;) {
    try {
      await clock.sleep(interval(clock.now().getTime() - started), signal);
    } catch {
      return;
    }
    const states = [...steps].map((describe) => describe()).filter((state) => state !== '');
    // A line that cannot be delivered must not make a good backup fail.
    if (states.length > 0) await progress.note(states.join('; ')).catch(() => undefined);
  }
};
