import { CharmError } from '../errors.ts';
import { countText, listText } from '../text.ts';
import type { Attempt, LastBackup } from './last-backup.ts';

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

/** A notebook of a user that was stopped for the time of a backup, and is to be started again. */
export interface StoppedNotebook {
  readonly namespace: string;
  readonly name: string;
  /** What we have written into its annotation. Another value there is the user's own. */
  readonly stopped: string;
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
  /** The newest complete backup that this unit knows of, for its status. */
  lastBackup(): Promise<LastBackup | undefined>;
  setLastBackup(backup: LastBackup | undefined): Promise<void>;
  /** How the last backup that this unit began has ended; `begun` of one that was killed. */
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
  /** How many backups ended how, by `outcome/trigger`. */
  runCounts(): Promise<Readonly<Record<string, number>>>;
  countRun(key: string, times: number): Promise<void>;
  /** The session of users' volumes that this unit began and has not ended. */
  volumeSession(): Promise<string | undefined>;
  setVolumeSession(session: string | undefined): Promise<void>;
  /** The notebooks that are to be started again. */
  stoppedNotebooks(): Promise<readonly StoppedNotebook[]>;
  /** Resolves when it is on the disk, as `record`. To be called before the notebook is stopped. */
  recordNotebook(notebook: StoppedNotebook): Promise<void>;
  removeNotebook(notebook: Pick<StoppedNotebook, 'namespace' | 'name'>): Promise<void>;
  /** What the exporter serves; undefined while nobody asks for it. */
  metricFacts(): Promise<string | undefined>;
  setMetricFacts(text: string | undefined): Promise<void>;
}

export interface KeptSession {
  readonly id: string;
  readonly text: string;
  readonly log: string | undefined;
}

/** Why an application is left alone whose scale is still to be put back. */
export const stillHeld = ({ application, scale, changedTo }: JournalEntry): CharmError =>
  new CharmError(
    'scale-refused',
    `An interrupted operation left ${application} at ${countText(changedTo, 'unit')}, and it could not be put back to ${scale} yet.` +
      ` The charm tries again at each hook and action; by hand: juju scale-application ${application} ${scale}`,
  );

/**
 * The error that names the scales that still have to be put back, and the commands to do it by
 * hand.
 */
export const unfinished = (entries: readonly JournalEntry[], why?: CharmError): CharmError => {
  const changes = entries.map(
    ({ application, scale, changedTo }) => `${application} (${changedTo}, was ${scale})`,
  );
  const commands = entries.map(
    ({ application, scale }) => `juju scale-application ${application} ${scale}`,
  );
  return new CharmError(
    'scale-refused',
    `An interrupted operation changed the scale of ${listText(changes)}, which is still to be put back. The charm tries again at each hook;` +
      ` by hand: ${commands.join('; ')}.${why === undefined ? '' : ` ${why.message}`}`,
    {
      cause: why,
      brief: { what: 'Scales are still to be put back', run: commands[0] ?? 'juju status' },
    },
  );
};
