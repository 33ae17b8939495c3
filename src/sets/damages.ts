import type { Progress } from '../world.ts';

/** What is wrong with a set, as it is found. All of it goes to the action's log, up to a bound; the first few are kept for a message. */
export interface Damages {
  readonly count: number;
  /** How many of them are something that is not there at all. */
  readonly missing: number;
  readonly first: readonly string[];
  found(damage: string, kind?: 'missing' | 'damaged'): Promise<void>;
}

/** Juju keeps a thousand lines of an action's log; the rest of them is for the progress. */
const mostLogged = 200;
const mostKept = 10;

export const createDamages = (progress: Progress): Damages => {
  const first: string[] = [];
  let count = 0;
  let missing = 0;
  return {
    get count() {
      return count;
    },
    get missing() {
      return missing;
    },
    first,
    found: async (damage, kind = 'damaged') => {
      count += 1;
      if (kind === 'missing') missing += 1;
      if (first.length < mostKept) first.push(damage);
      if (count <= mostLogged) await progress.note(`Damaged: ${damage}`);
      if (count === mostLogged) await progress.note('What else is damaged is only counted.');
    },
  };
};
