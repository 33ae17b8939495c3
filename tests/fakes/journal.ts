import { stillHeld } from '../../src/ports/journal.ts';
import type {
  Attempt,
  Journal,
  JournalEntry,
  KeptSession,
  LastBackup,
  StoppedNotebook,
} from '../../src/world.ts';

/** A journal in memory. Writing fails while `failure` is set. */
export class FakeJournal implements Journal {
  readonly kept = new Map<string, JournalEntry>();
  readonly paths = new Map<string, string>();
  failure: Error | undefined;
  #lastBackup: LastBackup | undefined;
  #lastAttempt: Attempt | undefined;

  async entries(): Promise<readonly JournalEntry[]> {
    return [...this.kept.values()];
  }

  async probe(): Promise<void> {
    if (this.failure) throw this.failure;
  }

  async record(entry: JournalEntry): Promise<void> {
    const before = this.kept.get(entry.application);
    if (before) throw stillHeld(before);
    if (this.failure) throw this.failure;
    this.kept.set(entry.application, entry);
  }

  async remove(application: string): Promise<void> {
    this.kept.delete(application);
  }

  async lastBackup(): Promise<LastBackup | undefined> {
    return this.#lastBackup;
  }

  async setLastBackup(backup: LastBackup | undefined): Promise<void> {
    if (this.failure) throw this.failure;
    this.#lastBackup = backup;
  }

  async lastAttempt(): Promise<Attempt | undefined> {
    return this.#lastAttempt;
  }

  async setLastAttempt(attempt: Attempt | undefined): Promise<void> {
    if (this.failure) throw this.failure;
    this.#lastAttempt = attempt;
  }

  async databasePaths(): Promise<Readonly<Record<string, string>>> {
    return Object.fromEntries(this.paths);
  }

  async setDatabasePath(endpoint: string, path: string): Promise<void> {
    if (this.failure) throw this.failure;
    this.paths.set(endpoint, path);
  }

  readonly keptSessions = new Map<string, string>();
  readonly sessionLogs = new Map<string, string>();

  async sessions(): Promise<readonly KeptSession[]> {
    return [...this.keptSessions]
      .map(([id, text]) => ({ id, text, log: this.sessionLogs.get(id) }))
      .sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  async keepSession(id: string, text: string): Promise<void> {
    if (this.failure) throw this.failure;
    this.keptSessions.set(id, text);
  }

  async appendSessionLog(id: string, line: string): Promise<void> {
    if (this.failure) throw this.failure;
    this.sessionLogs.set(id, (this.sessionLogs.get(id) ?? '') + line);
  }

  async dropSession(id: string): Promise<void> {
    this.keptSessions.delete(id);
    this.sessionLogs.delete(id);
  }

  readonly counts = new Map<string, number>();
  facts: string | undefined;

  async runCounts(): Promise<Readonly<Record<string, number>>> {
    return Object.fromEntries(this.counts);
  }

  async countRun(key: string, times: number): Promise<void> {
    if (this.failure) throw this.failure;
    this.counts.set(key, (this.counts.get(key) ?? 0) + times);
  }

  #volumeSession: string | undefined;

  async volumeSession(): Promise<string | undefined> {
    return this.#volumeSession;
  }

  async setVolumeSession(session: string | undefined): Promise<void> {
    if (this.failure) throw this.failure;
    this.#volumeSession = session;
  }

  readonly notebooks = new Map<string, StoppedNotebook>();

  async stoppedNotebooks(): Promise<readonly StoppedNotebook[]> {
    return [...this.notebooks.values()];
  }

  async recordNotebook(notebook: StoppedNotebook): Promise<void> {
    if (this.failure) throw this.failure;
    this.notebooks.set(`${notebook.namespace}/${notebook.name}`, notebook);
  }

  async removeNotebook({
    namespace,
    name,
  }: Pick<StoppedNotebook, 'namespace' | 'name'>): Promise<void> {
    if (this.failure) throw this.failure;
    this.notebooks.delete(`${namespace}/${name}`);
  }

  async metricFacts(): Promise<string | undefined> {
    return this.facts;
  }

  async setMetricFacts(text: string | undefined): Promise<void> {
    if (this.failure) throw this.failure;
    this.facts = text;
  }
}
