import type { BackupId } from '../backup/backup-id.ts';
import type { Layout } from '../backup/layout.ts';
import type { Clock, ObjectStore } from '../world.ts';
import type { Damages } from './damages.ts';

/** What a verification came to. The set is intact when there are no damages. */
export interface Verification {
  readonly id: BackupId;
  readonly deep: boolean;
  readonly damages: number;
  /** How many of them are something that is not there at all. */
  readonly missing: number;
  /** The first few of them. */
  readonly first: readonly string[];
  /** Objects of the set that were looked for. */
  readonly objects: number;
  /** Bytes that were read; only a deep one reads. */
  readonly bytes: number;
  /** Objects whose content a checksum proved, and those of which only the size could be compared. */
  readonly proven: number;
  readonly unproven: number;
}

/** What the parts of a verification work with. */
export interface VerifyWork {
  readonly store: ObjectStore;
  readonly layout: Layout;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly scratch: string;
  readonly damages: Damages;
  readonly deep: boolean;
  /** How many objects are read at a time. */
  readonly width: number;
  /** Adds to the figures. */
  count(checked: Partial<Pick<Verification, 'objects' | 'bytes' | 'proven' | 'unproven'>>): void;
  note(message: string): Promise<void>;
}
