import type { CharmError } from '../errors.ts';
import type { CopyThreads } from '../components/buckets/threads/copy-threads.ts';
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
  /** Undefined when this thread reads everything. */
  readonly threads?: CopyThreads;
  /** Rejects when another process does this work by now. */
  readonly mayGoOn?: () => Promise<void>;
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

export interface DamageLog extends Damages {
  /** Adds what another process has found. */
  add(found: FoundDamages): Promise<void>;
}

/** Damages that one process found for another. */
export interface FoundDamages {
  readonly count: number;
  readonly missing: number;
  /** As many as are logged. */
  readonly first: readonly FoundDamage[];
}

interface FoundDamage {
  readonly text: string;
  readonly kind: 'missing' | 'damaged';
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

export const createDamages = (progress: Progress): DamageLog => {
  const first: string[] = [];
  let count = 0;
  let missing = 0;
  const found: Damages['found'] = async (damage, kind = 'damaged') => {
    count += 1;
    if (kind === 'missing') missing += 1;
    if (first.length < mostKept) first.push(damage);
    if (count <= mostLogged) await progress.note(`Damaged: ${damage}`);
    if (count === mostLogged) await progress.note('Further damage is only counted.');
  };
  return {
    get count() {
      return count;
    },
    get missing() {
      return missing;
    },
    first,
    found,
    add: async (all) => {
      for (const { text, kind } of all.first) await found(text, kind);
      const missed = all.first.filter(({ kind }) => kind === 'missing').length;
      count += all.count - all.first.length;
      missing += all.missing - missed;
    },
  };
};

/** Damages that are told to another process instead of the log. */
export const collectDamages = (): Damages & { readonly all: () => FoundDamages } => {
  const first: FoundDamage[] = [];
  let count = 0;
  let missing = 0;
  const found: Damages['found'] = async (text, kind = 'damaged') => {
    count += 1;
    if (kind === 'missing') missing += 1;
    if (first.length < mostLogged) first.push({ text, kind });
  };
  return {
    get count() {
      return count;
    },
    get missing() {
      return missing;
    },
    get first() {
      return first.map(({ text }) => text);
    },
    found,
    all: () => ({ count, missing, first }),
  };
};
