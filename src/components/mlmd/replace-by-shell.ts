import { createHash } from 'node:crypto';
import { type Readable, Writable } from 'node:stream';
import { CharmError } from '../../errors.ts';
import { fileStream } from '../../ports/file-stream.ts';
import type { Kubernetes } from '../../world.ts';
import { measureFile } from './measure-file.ts';
import { type MlmdPlace, execText, type ExecText } from './pod.ts';

interface ShellReplacement {
  readonly kubernetes: Kubernetes;
  readonly place: MlmdPlace;
  /** The name under which the replaced database is kept, in the same directory. */
  readonly kept: string;
  readonly signal: AbortSignal;
  /** Seconds after which a journal that has not changed is taken to have no writer. */
  readonly patience: number;
}

/**
 * Writes a database that we have built and checked to the volume, reads it back, and puts it into
 * the place of the old one.
 */
export const replaceByShell = async (
  replacement: ShellReplacement,
  file: string,
): Promise<void> => {
  const { kubernetes, place, signal } = replacement;
  const { size, sha256 } = await measureFile(file);
  // The command is told the number of bytes, because before Kubernetes 1.30 it cannot see the end
  // of its input.
  const receive = `${refuseWal}
rm -f "$2" "$2-journal" && head -c "$4" > "$2"`;
  await orDiscard(replacement, async () => {
    await shell(replacement, receive, fileStream(file), [String(size)]);
    const there = createHash('sha256');
    const stdout = new Writable({
      write(chunk: Buffer, _encoding, done) {
        there.update(chunk);
        done();
      },
    });
    await kubernetes.exec(place.target, ['cat', newFile(replacement)], { stdout, signal });
    if (there.digest('hex') === sha256) return;
    throw new CharmError(
      'mlmd-restore-failed',
      `The new database of ML Metadata did not arrive in ${place.target.pod} as it was sent. The old one is as it was; run the action again.`,
    );
  });
  await putInPlace(replacement);
};

/**
 * Byte 18 of the header is 2 in WAL mode. SQLite would take a -wal file that is left for that of
 * the new database, and bring old rows back.
 */
const refuseWal = `if [ -e "$1-wal" ] || [ "$(od -An -tx1 -j18 -N1 "$1" 2>/dev/null)" = ' 02' ]; then
  echo "it is in SQLite's WAL mode, which ML Metadata does not use, and what is in its -wal file would come back" >&2
  exit 75
fi`;

/**
 * Gives the new file the owner and the mode of the old one, keeps the old one and renames the new
 * one over it, so that there is a database at every moment. A journal is moved together with the
 * old database. If it stayed, SQLite would take it for that of the new one; so it would take one
 * that somebody begins during the switch. A journal that changes shows that a process writes.
 */
const putInPlace = (replacement: ShellReplacement): Promise<ExecText> =>
  orDiscard(replacement, () =>
    shell(
      replacement,
      `${refuseWal}
if [ -e "$1-journal" ]; then
  before=$(stat -c %Y.%s "$1-journal" 2>/dev/null || true)
  sleep "$4"
  if [ -e "$1-journal" ] && [ "$(stat -c %Y.%s "$1-journal" 2>/dev/null || true)" != "$before" ]; then
    echo 'somebody writes to the database' >&2
    exit 75
  fi
fi
if [ -e "$1" ]; then
  chown --reference="$1" "$2" 2>/dev/null || [ "$(stat -c %u "$1")" = "$(stat -c %u "$2")" ]
  chmod --reference="$1" "$2"
  ln "$1" "$3" 2>/dev/null || { cp -p "$1" "$3.part" && mv "$3.part" "$3"; }
fi
if [ -e "$1-journal" ]; then mv "$1-journal" "$3-journal"; fi
mv -f "$2" "$1"
if [ -e "$1-journal" ]; then mv -f "$1-journal" "$3-journal"; fi
sync`,
      undefined,
      [String(replacement.patience)],
    ),
  );

const orDiscard = async <T>(replacement: ShellReplacement, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    await shell(replacement, 'rm -f "$2" "$2-journal"').catch(() => undefined);
    throw error;
  }
};

const newFile = ({ place }: ShellReplacement): string => `${place.file}.restoring`;

/**
 * Runs a script with the database as $1, the new file as $2, and the path for the old database as
 * $3. Rejects unless it succeeds.
 */
const shell = async (
  replacement: ShellReplacement,
  text: string,
  stdin?: Readable,
  words: readonly string[] = [],
): Promise<ExecText> => {
  const { place, kept } = replacement;
  const result = await run(
    replacement,
    [
      'sh',
      '-euc',
      text,
      'sh',
      place.file,
      newFile(replacement),
      `${place.folder}/${kept}`,
      ...words,
    ],
    stdin,
  );
  if (result.exitCode === 0) return result;
  throw failed(result);
};

const run = (
  { kubernetes, place, signal }: ShellReplacement,
  command: readonly string[],
  stdin?: Readable,
): Promise<ExecText> =>
  execText(kubernetes, place.target, command, { signal, ...(stdin && { stdin }) });

const failed = ({ exitCode, stderr }: ExecText): CharmError =>
  new CharmError(
    /No space left|disk.* full/i.test(stderr) ? 'disk-full' : 'mlmd-restore-failed',
    `ML Metadata could not be restored: ${stderr.slice(0, 200) || `a command ended with exit status ${exitCode}`}. The database is as it was.`,
  );
