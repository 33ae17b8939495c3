import { appendFile, readFile, readdir, rm, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CharmError, reasonOf } from '../errors.ts';
import { stillHeld } from '../ports/journal.ts';
import { parseAttempt, parseLastBackup } from '../ports/last-backup.ts';
import type { Journal, JournalEntry, StoppedNotebook } from '../world.ts';
import { syncDirectory, writeDurably } from './durable-file.ts';

const entryName = /^undo-(.+)\.json$/;
const notebookName = /^notebook-.+\.json$/;
const sessionName = /^session-(.+)\.json$/;
const lastBackupName = 'last-backup.json';
const lastAttemptName = 'last-attempt.json';
const databasePathsName = 'database-paths.json';
const runCountsName = 'run-counts.json';
const volumeSessionName = 'volume-session.json';
/** The exporter reads it. */
export const metricFactsName = 'metrics.json';
const probeName = 'write-test.json';

interface JournalOptions {
  /** The mounted directory; undefined while Juju has not attached the storage. Asked once. */
  readonly locate: () => Promise<string | undefined>;
  /**
   * Called for each file that cannot be read. Such a file is skipped; the others are still read.
   */
  readonly report: (message: string) => Promise<void>;
  /** Takes secrets out of what an operator will read. */
  readonly redact?: (text: string) => string;
}

/**
 * A journal of one JSON file for each entry. A file is written under a temporary name, fsynced and
 * renamed, and then the directory is fsynced, so a crash leaves the old file or the new one.
 * Rejects with `journal-pending`, `journal-unavailable`, or `disk-full` when nothing more can be
 * written.
 */
export const openJournal = ({
  locate,
  report,
  redact = (text) => text,
}: JournalOptions): Journal => {
  let located: Promise<string> | undefined;
  const directory = (): Promise<string> => (located ??= locate().then(attached));

  const read = async <T>(name: string, parse: (fields: Fields) => T | undefined) => {
    const path = join(await directory(), name);
    const text = await readFile(path, 'utf8').catch((error: unknown) =>
      codeOf(error) === 'ENOENT' ? undefined : '',
    );
    if (text === undefined) return undefined;
    const value = parse(fieldsOf(text));
    if (value === undefined)
      await report(`The journal's file ${path} cannot be read. Look at it and delete it.`);
    return value;
  };
  const list = async (): Promise<readonly string[]> => {
    const place = await directory();
    return readdir(place).catch((cause: unknown) => {
      throw unreadable(place, cause);
    });
  };
  const change = async (name: string, how: (path: string) => Promise<unknown>): Promise<void> => {
    const place = await directory();
    try {
      await how(join(place, name));
    } catch (cause) {
      throw unwritable(place, cause);
    }
  };
  const writeText = (name: string, text: string): Promise<void> =>
    change(name, (path) => writeDurably(path, text));
  const write = (name: string, value: unknown): Promise<void> =>
    writeText(name, JSON.stringify(value));
  const removeFile = (name: string): Promise<void> =>
    change(name, (path) => unlink(path).then(() => syncDirectory(dirname(path)), absent));

  return {
    entries: async () => {
      const names = await list();
      const entries = await Promise.all(
        names
          .filter((name) => entryName.test(name))
          .sort()
          .map((name) => read(name, parseEntry)),
      );
      return entries.filter((entry) => entry !== undefined);
    },
    probe: async () => {
      await write(probeName, {});
      await removeFile(probeName);
    },
    record: async (entry) => {
      const name = `undo-${entry.application}.json`;
      const before = await read(name, parseEntry);
      if (before !== undefined) throw stillHeld(before);
      await write(name, entry);
    },
    remove: (application) => removeFile(`undo-${application}.json`),
    lastBackup: () => read(lastBackupName, parseLastBackup),
    setLastBackup: (backup) =>
      backup === undefined ? removeFile(lastBackupName) : write(lastBackupName, backup),
    lastAttempt: () => read(lastAttemptName, parseAttempt),
    setLastAttempt: (attempt) =>
      attempt === undefined ? removeFile(lastAttemptName) : write(lastAttemptName, attempt),
    databasePaths: async () => (await read(databasePathsName, parsePaths)) ?? {},
    setDatabasePath: async (endpoint, path) => {
      const paths = await read(databasePathsName, parsePaths);
      await write(databasePathsName, { ...paths, [endpoint]: path });
    },
    sessions: async () => {
      const place = await directory();
      const ids = (await list()).flatMap((name) => sessionName.exec(name)?.[1] ?? []).sort();
      return Promise.all(
        ids.map(async (id) => ({
          id,
          text: await readFile(join(place, `session-${id}.json`), 'utf8').catch(() => ''),
          log: await readFile(join(place, `session-${id}.log`), 'utf8').catch(() => undefined),
        })),
      );
    },
    keepSession: (id, text) => writeText(`session-${id}.json`, redact(text)),
    appendSessionLog: (id, line) =>
      change(`session-${id}.log`, (path) => appendFile(path, redact(line), { mode: 0o600 })),
    dropSession: async (id) => {
      for (const name of [`session-${id}.log`, `session-${id}.json`])
        await change(name, (path) => rm(path, { force: true }));
    },
    runCounts: async () => (await read(runCountsName, parseCounts)) ?? {},
    countRun: async (key, times) => {
      const counts = (await read(runCountsName, parseCounts)) ?? {};
      await write(runCountsName, { ...counts, [key]: (counts[key] ?? 0) + times });
    },
    volumeSession: () => read(volumeSessionName, parseVolumeSession),
    setVolumeSession: (session) =>
      session === undefined ? removeFile(volumeSessionName) : write(volumeSessionName, { session }),
    stoppedNotebooks: async () => {
      const names = (await list()).filter((name) => notebookName.test(name)).sort();
      const notebooks = await Promise.all(names.map((name) => read(name, parseNotebook)));
      return notebooks.filter((notebook) => notebook !== undefined);
    },
    recordNotebook: (notebook) => write(notebookFile(notebook), notebook),
    removeNotebook: (notebook) => removeFile(notebookFile(notebook)),
    metricFacts: async () =>
      readFile(join(await directory(), metricFactsName), 'utf8').catch(() => undefined),
    setMetricFacts: (text) =>
      text === undefined ? removeFile(metricFactsName) : writeText(metricFactsName, redact(text)),
  };
};

const attached = (directory: string | undefined): string => {
  if (directory !== undefined) return directory;
  throw new CharmError(
    'journal-pending',
    'The storage journal is not mounted in this unit. It comes with a new unit and goes with one that is removed; nothing' +
      ' is changed without it. If it stays away, look at juju storage and at the volume behind it.',
    { brief: { what: 'The storage journal is not mounted', run: 'juju storage' } },
  );
};

const unreadable = (place: string, cause: unknown): CharmError =>
  new CharmError(
    'journal-unavailable',
    `The storage journal at ${place} cannot be read: ${reasonOf(cause)}. Look at juju storage and at the volume behind it.`,
    { cause, brief: { what: 'The storage journal cannot be read', run: 'juju storage' } },
  );

const unwritable = (place: string, cause: unknown): CharmError =>
  codeOf(cause) === 'ENOSPC' || codeOf(cause) === 'EDQUOT'
    ? new CharmError(
        'disk-full',
        `The storage journal at ${place} is full. Free space on it, or give it a larger volume.`,
        { cause, brief: { what: 'The storage journal is full', run: 'juju storage' } },
      )
    : new CharmError(
        'journal-unavailable',
        `The storage journal at ${place} cannot be written: ${reasonOf(cause)}. Look at juju storage and at the volume behind it.`,
        { cause, brief: { what: 'The storage journal cannot be written', run: 'juju storage' } },
      );

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined;

const absent = (error: unknown): undefined => {
  if (codeOf(error) === 'ENOENT') return undefined;
  throw error;
};

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (text: string): Fields => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
};

const isScale = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0;

const parseEntry = ({ application, scale, changedTo, since }: Fields): JournalEntry | undefined =>
  typeof application === 'string' &&
  isScale(scale) &&
  isScale(changedTo) &&
  typeof since === 'string'
    ? { application, scale, changedTo, since }
    : undefined;

/** Neither name has an underscore. */
const notebookFile = ({ namespace, name }: Pick<StoppedNotebook, 'namespace' | 'name'>): string =>
  `notebook-${namespace}_${name}.json`;

const parseNotebook = ({ namespace, name, stopped }: Fields): StoppedNotebook | undefined =>
  typeof namespace === 'string' && typeof name === 'string' && typeof stopped === 'string'
    ? { namespace, name, stopped }
    : undefined;

const parsePaths = (fields: Fields): Readonly<Record<string, string>> | undefined => {
  const paths = Object.entries(fields).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return paths.length === 0 ? undefined : Object.fromEntries(paths);
};

const parseVolumeSession = ({ session }: Fields): string | undefined =>
  typeof session === 'string' ? session : undefined;

const parseCounts = (fields: Fields): Readonly<Record<string, number>> | undefined => {
  const counts = Object.entries(fields).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  );
  return counts.length === 0 ? undefined : Object.fromEntries(counts);
};
