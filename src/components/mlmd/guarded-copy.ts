import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { CharmError } from '../../errors.ts';
import { waitUntil } from '../../wait-until.ts';
import type { MlmdPlace, MlmdWorld } from './pod.ts';
import { failureOf, problem } from './snapshot-failures.ts';
import { guardedCopy } from './snapshot-scripts.ts';

const pause = 500;

/**
 * Copies the database's file to our own disk. A copy that was made while a transaction was open can
 * pass every check of SQLite and still hold rows that were never committed. So a copy counts only
 * when there was no journal before and after it, when inode, size, times and change counter stayed
 * the same, and when all its bytes arrived. Resolves to false when the container lacks the tools.
 */
export const copyUntouched = async (
  { kubernetes, clock, patience, signal }: MlmdWorld & { readonly patience: number },
  place: MlmdPlace,
  file: string,
): Promise<boolean> => {
  let previous = '';
  let isHot = false;
  const copy = async (): Promise<boolean | undefined> => {
    const { exitCode, stderr } = await kubernetes.exec(
      place.target,
      ['sh', '-c', guardedCopy, 'sh', place.file],
      { stdout: createWriteStream(file), signal },
    );
    if (exitCode === 126 || exitCode === 127) return false;
    if (exitCode !== 0) throw failureOf(stderr, place.file);
    const [before = '', after = ''] = stderr.split('then\n');
    if (before.startsWith('wal') || writeVersion(before) === '02')
      throw problem('wal', '', place.file);
    const journal = before.startsWith('journal') || after.startsWith('journal');
    if (!journal && before === after) {
      await assertWhole(file, before, place);
      return true;
    }
    isHot = journal && before === previous;
    previous = before;
    return undefined;
  };
  const first = await copy();
  if (first !== undefined) return first;
  // One copy alone, however long it took, does not tell a journal that stays from one that goes.
  await clock.sleep(pause, signal);
  return waitUntil({ clock, seconds: patience, pause, signal }, copy, () => {
    throw isHot
      ? problem('hot-journal', '', place.file)
      : problem('busy', 'no copy of the file was free of changes', place.file);
  });
};

/** Kubernetes may end a command's output early and still report that it succeeded. */
const assertWhole = async (file: string, look: string, place: MlmdPlace): Promise<void> => {
  const told = Number(look.split(' ')[1]);
  const { size } = await stat(file);
  if (size === told) return;
  throw new CharmError(
    'mlmd-dump-failed',
    `Of the ${told} bytes of ${place.file} only ${size} arrived, although Kubernetes reported success. Nothing is known to be wrong with the database; run the backup again.`,
  );
};

/** Byte 18 of the header: 2 when SQLite keeps its changes in a -wal file. */
const writeVersion = (look: string): string | undefined => {
  const [, ...header] = look.trim().split('\n');
  return header.join(' ').trim().split(/\s+/)[18];
};
