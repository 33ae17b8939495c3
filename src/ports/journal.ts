/** A change to somebody else's application that has to be undone. */
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
  /** Resolves when the entry is on the disk: file and directory are fsynced. */
  record(entry: JournalEntry): Promise<void>;
  remove(application: string): Promise<void>;
  /** The newest complete backup that this unit made, for its status. */
  lastBackup(): Promise<LastBackup | undefined>;
  setLastBackup(backup: LastBackup): Promise<void>;
  /** The path that each database has to be handed since it was restored, by our endpoint; also by a hook, when the restore was killed. */
  databasePaths(): Promise<Readonly<Record<string, string>>>;
  setDatabasePath(endpoint: string, path: string): Promise<void>;
}

export interface LastBackup {
  readonly id: string;
  readonly bytes: number;
  readonly consistent: boolean;
  /** What verify-backup found last; absent until it has looked. */
  readonly verified?: 'intact' | 'damaged';
}
