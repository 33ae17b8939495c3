import type { Moment } from './moments.ts';
import type { Blow } from './strike.ts';

/** Numbers from 0 up to 1 that are the same for the same seed (mulberry32). */
export const randomFrom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/**
 * Every moment at which the charm changes something outside or its journal, or begins another step;
 * of those at which it only asks, one of each kind. What the databases write by themselves is left
 * to the random times.
 */
export const decisive = (seen: readonly Moment[]): readonly Moment[] => {
  const kinds = new Set<string>();
  return seen.filter(({ what, when, nth }) => {
    if (/^s3 \w+ (kfp|katib)-db\//.test(what)) return false;
    if (changing.test(what)) return true;
    const kind = `${when} ${what}`;
    const first = nth === 1 && !kinds.has(kind);
    kinds.add(kind);
    return first;
  });
};

const changing =
  /^(log |journal |kubernetes EXEC|juju Application\.ScaleApplications|juju Action\.EnqueueOperation .*(create-backup|restore)|s3 (Put|Delete|Copy|Upload|Create|Complete|Abort))/;

/**
 * The moments in a shuffled order, with a random time after every third; every sixth blow asks
 * politely, every tenth pod is made new.
 */
export const planBlows = (
  wanted: readonly Moment[],
  { runs, seed, milliseconds }: { runs: number; seed: number; milliseconds: number },
): readonly Blow[] => {
  const random = randomFrom(seed);
  const moments = wanted
    .map((moment) => ({ moment, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ moment }) => moment);
  return Array.from({ length: runs }, (_, index) => ({
    at:
      (index % 4 === 3 ? undefined : moments[index - Math.floor(index / 4)]) ??
      Math.round(random() * milliseconds),
    signal: random() < 1 / 6 ? 'SIGTERM' : 'SIGKILL',
    next: random() < 1 / 10 ? 'new pod' : 'update-status',
  }));
};
