import { fieldsOf, numberOf, textOf } from '../../ports/fields.ts';

/*
 * This folder is restic: what it is told, what it says, how it runs on a repository, and what its
 * files look like to somebody who does not trust them.
 *
 * The engine: what restic is told, and what its output means (restic 0.18.0 and later;
 * doc/075_scripting of its documentation).
 */

/** Runs in the volume's folder, so that a snapshot holds paths from the volume's root. */
export const backupArguments = (
  claim: string,
  session: string,
  excludes: readonly string[],
): readonly string[] => [
  ...['backup', '--json', '--quiet', '--host', claim, '--tag', `session=${session}`],
  ...['--exclude-caches', ...excludes.map((pattern) => `--exclude=${pattern}`), '.'],
];

export interface RestoreWish {
  readonly snapshot: string;
  /** A folder of the volume that is not there yet; undefined for the volume itself. */
  readonly folder: string | undefined;
  /** Only this file or folder. */
  readonly include: string | undefined;
  readonly deleteExtra: boolean;
}

/**
 * The attributes `security.*` are those of the kernel: a capability of a program, a label of
 * SELinux. No pod that is let in everywhere may set them, and restic fails for one that it cannot
 * set.
 */
export const restorable = ['--exclude-xattr=security.*'] as const;

/**
 * A second pod goes on where the first one was killed: restic compares what is there with the
 * backup, and writes what differs.
 */
export const restoreArguments = (wish: RestoreWish): readonly string[] => [
  ...['restore', wish.snapshot, '--json', '--quiet', '--target', wish.folder ?? '.'],
  ...restorable,
  // restic takes either --include or --exclude.
  ...(wish.include === undefined ? ['--exclude=/lost+found'] : [`--include=${wish.include}`]),
  ...(wish.deleteExtra ? ['--delete'] : []),
];

export interface RestoreSummary {
  /** Folders count, too. */
  readonly files: number;
  readonly bytes: number;
}

/** What `restic restore --json` wrote at its end; zeros are left out. */
export const restoreSummaryIn = (output: string): RestoreSummary => {
  const { total_files: files, total_bytes: bytes } =
    output
      .split('\n')
      .map((line) => fieldsOf(parse(line)))
      .find((fields) => fields['message_type'] === 'summary') ?? {};
  return { files: numberOf(files), bytes: numberOf(bytes) };
};

/** restic ended with these: the snapshot exists, and lacks files that could not be read. */
export const someUnreadable = 3;

/** It was killed. What it had said until then does not tell why. */
export const killed = 137;

/** What an exit status of restic means, for an operator. */
export const exitText = (code: number): string =>
  ({
    [-1]: 'its pod is gone',
    1: 'restic failed',
    3: 'some files could not be read',
    10: 'there is no repository',
    11: 'the repository is locked by another process',
    12: 'the password does not open the repository',
    130: 'restic was stopped',
    [killed]:
      'restic was killed, most likely because it needs more memory than volumes-memory lets it have',
  })[code] ?? `restic ended with status ${code}`;

/**
 * What restic complained of, from the end of its output: the files that it could not read or write,
 * and the message it ended with, unless that only says that there were some.
 */
export const complaintsOf = (output: string): readonly string[] => {
  const complaints: string[] = [];
  for (const fields of output.split('\n').map((line) => fieldsOf(parse(line)))) {
    if (fields['message_type'] === 'error') {
      const message = textOf(fieldsOf(fields['error'])['message']);
      const item = textOf(fields['item']);
      complaints.push(firstLine(message.startsWith(item) ? message : `${item}: ${message}`));
    }
    if (fields['message_type'] === 'exit_error') {
      const message = firstLine(textOf(fields['message']));
      if (complaints.length === 0 || !saysNothing.test(message)) complaints.push(message);
    }
  }
  return complaints;
};

const saysNothing =
  /^(Warning: at least one source file could not be read|Fatal: There were \d+ err)/;

export const firstLine = (text: string): string =>
  (text.trim().split('\n')[0] ?? '').slice(0, 300) || 'nothing';

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
