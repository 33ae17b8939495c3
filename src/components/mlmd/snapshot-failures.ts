import { CharmError } from '../../errors.ts';

/**
 * The failure that a script reports as `error <kind> <text>`, for an operator; `file` is the
 * database as the pod sees it.
 */
export const failureOf = (stderr: string, file: string): CharmError => {
  const [, kind = '', text = ''] = /^error (\S+) ?(.*)$/m.exec(stderr) ?? [];
  const tail = stderr.trim().split('\n').at(-1)?.slice(0, 500) ?? '';
  return problem(kind, text || tail, file);
};

export const problem = (kind: string, text: string, file: string): CharmError => {
  switch (kind) {
    case 'missing':
      return new CharmError(
        'mlmd-missing',
        `There is no ${file}, so ML Metadata has no SQLite database to back up. ` +
          'Take mlmd out of the option components if this deployment keeps its metadata elsewhere.',
      );
    case 'corrupt':
      return new CharmError(
        'mlmd-corrupt',
        `SQLite finds ${file} damaged: ${text.slice(0, 120)}. Nothing was changed. Restore ML Metadata from an earlier backup, or ` +
          'recover what can be read with the .recover command of sqlite3 on a copy of the file.',
      );
    case 'no-space':
      return dumpFailed(
        `There is no space in the pod for a temporary copy of ${file} (${text}). Free some on its node or on its volume`,
      );
    case 'busy':
      return dumpFailed(
        `${file} was being written to all the time, so that SQLite gave no moment to read it (${text}). Stop what writes`,
      );
    case 'hot-journal':
      return dumpFailed(
        `A transaction of ML Metadata was cut off by a crash and has left ${file}-journal. ` +
          'The server rolls it back by itself at its next request: open a run in the dashboard',
      );
    case 'wal':
      return dumpFailed(
        `${file} is in SQLite's WAL mode, which ML Metadata does not use and we do not support. ` +
          'Set it back with PRAGMA journal_mode=DELETE',
      );
    default:
      return dumpFailed(
        `${file} could not be dumped: ${text || 'no reason was given'}. Look at the pod`,
      );
  }
};

const dumpFailed = (message: string): CharmError =>
  new CharmError('mlmd-dump-failed', `${message}, then run the backup again.`);
