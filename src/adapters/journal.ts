import { appendFile, readFile, readdir, unlink, open, rename, rm } from 'node:fs/promises';
import { join, dirname } from 'node:path';
import { CharmError, reasonOf } from '../errors.ts';
import { stillHeld } from '../ports/journal.ts';
import { parseAttempt, parseLastBackup } from '../ports/last-backup.ts';
import type { Journal, JournalEntry } from '../world.ts';

const entryName = /^undo-(.+)\.json$/;
const sessionName = /^session-(.+)\.json$/;
const lastBackupName = 'last-backup.json';
const lastAttemptName = 'last-attempt.json';
const databasePathsName = 'database-paths.json';
const runCountsName = 'run-counts.json';
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
  const write = async (name: string, value: unknown): Promise<void> => {
    const place = await directory();
    await writeDurably(join(place, name), JSON.stringify(value)).catch((cause: unknown) => {
      throw unwritable(place, cause);
    });
  };

  const removeFile = async (name: string): Promise<void> => {
    const place = await directory();
    await unlink(join(place, name))
      .then(() => syncDirectory(place), absent)
      .catch((cause: unknown) => {
        throw unwritable(place, cause);
      });
  };

  return {
    entries: async () => {
      const place = await directory();
      const names = await readdir(place).catch((cause: unknown) => {
        throw unreadable(place, cause);
      });
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
      const names = await readdir(place).catch((cause: unknown) => {
        throw unreadable(place, cause);
      });
      const ids = names.flatMap((name) => sessionName.exec(name)?.[1] ?? []).sort();
      return Promise.all(
        ids.map(async (id) => ({
          id,
          text: await readFile(join(place, `session-${id}.json`), 'utf8').catch(() => ''),
          log: await readFile(join(place, `session-${id}.log`), 'utf8').catch(() => undefined),
        })),
      );
    },
    keepSession: async (id, text) => {
      const place = await directory();
      await writeDurably(join(place, `session-${id}.json`), redact(text)).catch(
        (cause: unknown) => {
          throw unwritable(place, cause);
        },
      );
    },
    appendSessionLog: async (id, line) => {
      const place = await directory();
      await appendFile(join(place, `session-${id}.log`), redact(line), { mode: 0o600 }).catch(
        (cause: unknown) => {
          throw unwritable(place, cause);
        },
      );
    },
    dropSession: async (id) => {
      const place = await directory();
      for (const name of [`session-${id}.log`, `session-${id}.json`])
        await rm(join(place, name), { force: true }).catch((cause: unknown) => {
          throw unwritable(place, cause);
        });
    },
    runCounts: async () => (await read(runCountsName, parseCounts)) ?? {},
    countRun: async (key, times) => {
      const counts = (await read(runCountsName, parseCounts)) ?? {};
      await write(runCountsName, { ...counts, [key]: (counts[key] ?? 0) + times });
    },
    metricFacts: async () =>
      readFile(join(await directory(), metricFactsName), 'utf8').catch(() => undefined),
    setMetricFacts: async (text) => {
      if (text === undefined) return removeFile(metricFactsName);
      const place = await directory();
      await writeDurably(join(place, metricFactsName), redact(text)).catch((cause: unknown) => {
        throw unwritable(place, cause);
      });
    },
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

const parsePaths = (fields: Fields): Readonly<Record<string, string>> | undefined => {
  const paths = Object.entries(fields).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  return paths.length === 0 ? undefined : Object.fromEntries(paths);
};

const parseCounts = (fields: Fields): Readonly<Record<string, number>> | undefined => {
  const counts = Object.entries(fields).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  );
  return counts.length === 0 ? undefined : Object.fromEntries(counts);
};

/**
 * Replaces a file so that after a crash it holds the old text or the new one. Resolves when the new
 * one is on the disk. The text is first written to a temporary file that always has the same name,
 * so that crashes leave one such file at most. One writer at a time.
 */
const writeDurably = async (path: string, text: string): Promise<void> => {
  const beside = `${path}.new`;
  try {
    {
      await using file = await open(beside, 'w', 0o600);
      await file.writeFile(text);
      await file.sync();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
};

/** A file that was made or removed is so on the disk only when its directory was synced. */
const syncDirectory = async (path: string): Promise<void> => {
  await using directory = await open(path, 'r');
  await directory.sync();
};
