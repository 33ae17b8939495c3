import type { CharmError } from '../errors.ts';
import type { BackupId, Layout } from '../repository/layout.ts';
import { excerpt } from '../text.ts';
import type { Clock, ObjectStore, Progress } from '../world.ts';
import type { ArchiveCheck } from './archive.ts';

/** The result of a verification. The set is intact when there are no damages. */
export interface Verification {
  readonly id: BackupId;
  readonly deep: boolean;
  readonly damages: number;
  /** How many of the damages are something that is missing. */
  readonly missing: number;
  /** The first few of them. */
  readonly first: readonly string[];
  /** Objects of the set that were looked for. */
  readonly objects: number;
  /** Bytes that were read; 0 unless the verification was deep. */
  readonly bytes: number;
  /**
   * Objects whose content a checksum proved, and those of which only the size could be compared.
   */
  readonly proven: number;
  readonly unproven: number;
  /** `object-archived`, when some objects cannot be read now; a deep verification left them out. */
  readonly archived?: CharmError;
  /** How many those are. */
  readonly frozen: number;
}

/** What the parts of a verification share. */
export interface VerifyWork {
  readonly store: ObjectStore;
  readonly layout: Layout;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly scratch: string;
  readonly damages: Damages;
  readonly archive: ArchiveCheck;
  readonly deep: boolean;
  /** How many objects are read at a time. */
  readonly width: number;
  /** Adds to the numbers of the verification. */
  count(checked: Partial<Pick<Verification, 'objects' | 'bytes' | 'proven' | 'unproven'>>): void;
  note(message: string): Promise<void>;
}

/**
 * Collects what is wrong with a set. Each damage goes to the action's log, up to a limit; the first
 * few are kept for a message.
 */
export interface Damages {
  readonly count: number;
  /** How many of them are something that is not there at all. */
  readonly missing: number;
  readonly first: readonly string[];
  found(damage: string, kind?: 'missing' | 'damaged'): Promise<void>;
}

/** Juju keeps a thousand lines of an action's log, and the progress needs some of them. */
const mostLogged = 200;
const mostKept = 10;

/** What is damaged in a set, as the end of a sentence without its full stop. */
export const damagesText = ({ first, count }: Pick<Damages, 'first' | 'count'>): string => {
  const one = excerpt(first[0] ?? '', 180);
  return count === 1
    ? `in 1 place: ${one}`
    : `in ${count} places (the action's log has them): ${one}`;
};

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
      if (count === mostLogged) await progress.note('Further damage is only counted.');
    },
  };
};
