import { CharmError } from '../errors.ts';
import { countText } from '../text.ts';

/** A change to another application that has to be undone. */
export interface JournalEntry {
  readonly application: string;
  /** The scale to put back. */
  readonly scale: number;
  /** The scale that we set. */
  readonly changedTo: number;
  /** ISO 8601. */
  readonly since: string;
}

/** What must be put back, on storage that survives a killed pod. One entry for each application. */
export interface Journal {
  entries(): Promise<readonly JournalEntry[]>;
  /**
   * Rejects when nothing can be written. To be called before an operation makes a change that has
   * to be recorded.
   */
  probe(): Promise<void>;
  /**
   * Resolves when the entry is on the disk: file and directory are fsynced. Rejects with
   * `scale-refused` when the journal has an entry of this application already, because its scale to
   * put back would be lost.
   */
  record(entry: JournalEntry): Promise<void>;
  remove(application: string): Promise<void>;
  /** The newest complete backup that this unit made, for its status. */
  lastBackup(): Promise<LastBackup | undefined>;
  setLastBackup(backup: LastBackup): Promise<void>;
  /** How the last backup of this unit ended; `begun` when it still runs or was killed. */
  lastAttempt(): Promise<Attempt | undefined>;
  setLastAttempt(attempt: Attempt | undefined): Promise<void>;
  /**
   * The path that each database must be handed since its restore, by our endpoint. When the restore
   * was killed, a hook hands it.
   */
  databasePaths(): Promise<Readonly<Record<string, string>>>;
  setDatabasePath(endpoint: string, path: string): Promise<void>;
  /** The records and logs of runs that S3 may not have yet, in the order of their ids. */
  sessions(): Promise<readonly KeptSession[]>;
  keepSession(id: string, text: string): Promise<void>;
  /** Resolves when the line is written; a crash of the node may lose it. */
  appendSessionLog(id: string, line: string): Promise<void>;
  /** Removes a record and its log. */
  dropSession(id: string): Promise<void>;
}

export interface KeptSession {
  readonly id: string;
  readonly text: string;
  readonly log: string | undefined;
}

export interface Attempt {
  /** When it began; ISO 8601. */
  readonly at: string;
  /** The id for `juju show-task`. */
  readonly task: string;
  readonly outcome: 'begun' | 'succeeded' | 'failed';
  /** The code of the failure; absent when it was not an expected one. */
  readonly code?: string;
}

export interface LastBackup {
  readonly id: string;
  readonly bytes: number;
  readonly consistent: boolean;
  /** What verify-backup found last; absent until it has looked. */
  readonly verified?: 'intact' | 'damaged';
  /** When it looked; ISO 8601. */
  readonly verifiedAt?: string;
  /** How long its restore is expected to take; absent when nothing was measured. */
  readonly restoreSeconds?: number;
}

/** The error when an operation would change an application whose scale still has to be put back. */
export const stillHeld = ({ application, scale, changedTo }: JournalEntry): CharmError =>
  new CharmError(
    'scale-refused',
    `An interrupted operation left ${application} at ${countText(changedTo, 'unit')}, and it could not be put back to ${scale} yet.` +
      ` The charm tries again at each hook and action; by hand: juju scale-application ${application} ${scale}`,
  );
