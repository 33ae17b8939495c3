import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable, Writable } from 'node:stream';
import { type MlmdPlace, execText, type ExecText } from './pod.ts';
import { CharmError } from '../../errors.ts';
import type { Kubernetes } from '../../world.ts';
import { assertRestored, type RowCounts, type Dump } from './stored-dump.ts';
import { sqlStatements } from './sql-statements.ts';

interface ShellRestore {
  readonly kubernetes: Kubernetes;
  readonly place: MlmdPlace;
  readonly expected: RowCounts;
  /** The name under which the replaced database is kept, in the same directory. */
  readonly kept: string;
  readonly signal: AbortSignal;
  /** Seconds after which a journal that does not change belongs to nobody. */
  readonly patience: number;
}

/** Whether the image has the program `sqlite3`. */
export const hasSqlite3 = async (
  kubernetes: Kubernetes,
  { target }: MlmdPlace,
  signal: AbortSignal,
): Promise<boolean> =>
  (await execText(kubernetes, target, ['sqlite3', '-version'], { signal })).exitCode === 0;

/** Loads the dump with the program `sqlite3` into a new file on the volume, checks it there and puts it into the place of the old one. */
export const restoreWithSqlite3 = async (restore: ShellRestore, dump: Dump): Promise<RowCounts> => {
  const { expected } = restore;
  await shell(restore, 'rm -f "$2" "$2-journal"');
  const loaded = await run(
    restore,
    ['sqlite3', '-bail', newFile(restore)],
    Readable.from(script(dump), { objectMode: false }),
  );
  if (loaded.exitCode !== 0) throw failed(loaded);
  const queries = Object.keys(expected).map(
    (table) =>
      `SELECT '${table.replaceAll("'", "''")}' || '|' || count(*) FROM "${table.replaceAll('"', '""')}";`,
  );
  const checked = await run(restore, [
    'sqlite3',
    newFile(restore),
    `PRAGMA integrity_check(3); ${queries.join(' ')}`,
  ]);
  const [integrity = '', ...lines] = checked.stdout.trimEnd().split('\n');
  const rows = lines.map((line): [string, number] => {
    const bar = line.lastIndexOf('|');
    return [line.slice(0, bar), Number(line.slice(bar + 1))];
  });
  const found = {
    integrity: checked.exitCode === 0 ? integrity : checked.stderr || integrity,
    rows: Object.fromEntries(rows),
  };
  await orDiscard(restore, async () => {
    assertRestored(found, expected);
  });
  await putInPlace(restore);
  return found.rows;
};

/** Writes a database that we have built and checked to the volume, reads it back, and puts it into the place of the old one. */
export const restoreByCopy = async (restore: ShellRestore, file: string): Promise<void> => {
  const { kubernetes, place, signal } = restore;
  const { size } = await stat(file);
  const hash = createHash('sha256');
  const content = Readable.from(hashed(createReadStream(file), hash), { objectMode: false });
  // The number of bytes is told beforehand: the command cannot see the end of its input before Kubernetes 1.30.
  await shell(restore, 'rm -f "$2" "$2-journal" && head -c "$4" > "$2"', content, [String(size)]);
  await orDiscard(restore, async () => {
    const there = createHash('sha256');
    const stdout = new Writable({
      write(chunk: Buffer, _encoding, done) {
        there.update(chunk);
        done();
      },
    });
    await kubernetes.exec(place.target, ['cat', newFile(restore)], { stdout, signal });
    if (there.digest('hex') === hash.digest('hex')) return;
    throw new CharmError(
      'mlmd-restore-failed',
      `The new database of ML Metadata did not arrive in ${place.target.pod} as it was sent. The old one is as it was; run the action again.`,
    );
  });
  await putInPlace(restore);
};

/**
 * Gives the new file the owner and the mode of the old one, keeps the old one and renames the new one over it, so that there is a database at every
 * moment. A journal goes with the old one, whose it is: left behind, it would be taken for the new one's. One that changes shows that somebody writes.
 */
const putInPlace = (restore: ShellRestore): Promise<ExecText> =>
  orDiscard(restore, () =>
    shell(
      restore,
      `if [ -e "$1-journal" ]; then
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
sync`,
      undefined,
      [String(restore.patience)],
    ),
  );

const orDiscard = async <T>(restore: ShellRestore, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    await shell(restore, 'rm -f "$2" "$2-journal"').catch(() => undefined);
    throw error;
  }
};

async function* hashed(chunks: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

async function* script(dump: Dump): AsyncGenerator<Buffer> {
  for await (const statement of sqlStatements(dump.content)) yield Buffer.from(`${statement}\n`);
  yield Buffer.from('.exit\n');
}

const newFile = ({ place }: ShellRestore): string => `${place.file}.restoring`;

/** Runs a script that knows the database as $1, the new file as $2, and what is kept as $3. Rejects unless it succeeds. */
const shell = async (
  restore: ShellRestore,
  text: string,
  stdin?: Readable,
  words: readonly string[] = [],
): Promise<ExecText> => {
  const { place, kept } = restore;
  const result = await run(
    restore,
    ['sh', '-euc', text, 'sh', place.file, newFile(restore), `${place.folder}/${kept}`, ...words],
    stdin,
  );
  if (result.exitCode === 0) return result;
  throw failed(result);
};

const run = (
  { kubernetes, place, signal }: ShellRestore,
  command: readonly string[],
  stdin?: Readable,
): Promise<ExecText> =>
  execText(kubernetes, place.target, command, { signal, ...(stdin && { stdin }) });

const failed = ({ exitCode, stderr }: ExecText): CharmError =>
  new CharmError(
    /No space left|disk.* full/i.test(stderr) ? 'disk-full' : 'mlmd-restore-failed',
    `ML Metadata could not be restored: ${stderr || `a command ended with exit status ${exitCode}`}. The database is as it was.`,
  );
