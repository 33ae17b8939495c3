import { Readable } from 'node:stream';
import { CharmError } from '../../errors.ts';
import type { Kubernetes } from '../../world.ts';
import { type MlmdPlace, execText, type ExecText } from './pod.ts';
import { sqlStatements } from './sql-statements.ts';
import { assertRestored, type Inspection, type RowCounts, type Dump } from './stored-dump.ts';

interface PythonRestore {
  readonly kubernetes: Kubernetes;
  readonly place: MlmdPlace;
  readonly expected: RowCounts;
  /** The name under which the replaced database is kept, in the same directory. */
  readonly kept: string;
  readonly signal: AbortSignal;
  /** Seconds until nobody has the old database open any more. */
  readonly patience: number;
}

/** Whether Python can do it there: it is installed, may write beside the database, and can give the new file to the old one's owner. */
export const canUsePython = async (
  kubernetes: Kubernetes,
  { target, file }: MlmdPlace,
  signal: AbortSignal,
): Promise<boolean> => {
  const { exitCode } = await execText(
    kubernetes,
    target,
    ['python3', '-I', '-c', restoreScript, 'probe', file],
    { signal },
  );
  return exitCode === 0;
};

/**
 * Restores with Python's sqlite3, in a container that has it: loads the dump into a new file on the same volume, checks it there, and puts it into
 * the place of the old one while that is locked, so that nobody who still has the old one open can spoil the new one.
 */
export const restoreWithPython = async (restore: PythonRestore, dump: Dump): Promise<RowCounts> => {
  const { kubernetes, place, expected, kept, signal, patience } = restore;
  const run = (words: readonly string[], stdin?: Readable): Promise<ExecText> =>
    execText(kubernetes, place.target, ['python3', '-I', '-c', restoreScript, ...words], {
      signal,
      ...(stdin && { stdin }),
    });

  const stdin = Readable.from(framed(dump), { objectMode: false });
  const loaded = resultOf(await run(['load', place.file], stdin));
  try {
    assertRestored(loaded, expected);
  } catch (error) {
    await run(['discard', place.file]);
    throw error;
  }
  resultOf(await run(['switch', place.file, kept, String(patience)]));
  return loaded.rows;
};

/**
 * A line of JSON for each statement, or for each piece of a database file in base64, and `null` at the end: the connection to a container cannot
 * be ended from our side before Kubernetes 1.30, and a dump that was cut off must not look like one that ended.
 */
async function* framed(dump: Dump): AsyncGenerator<Buffer> {
  const lines = dump.kind === 'sql' ? sqlStatements(dump.content) : encoded(dump.content);
  let text = `${JSON.stringify(dump.kind)}\n`;
  for await (const line of lines) {
    text += `${JSON.stringify(line)}\n`;
    if (text.length < 65_536) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(`${text}null\n`);
}

async function* encoded(content: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  for await (const chunk of content) yield Buffer.from(chunk).toString('base64');
}

const resultOf = ({ exitCode, stdout, stderr }: ExecText): Inspection => {
  const failure = stderr.split('\n').at(-1) ?? '';
  if (exitCode !== 0) {
    throw new CharmError(
      /No space left|disk is full/i.test(failure) ? 'disk-full' : 'mlmd-restore-failed',
      `ML Metadata could not be restored: ${failure || `python3 ended with exit status ${exitCode}`}. The database is as it was.`,
    );
  }
  const value: unknown = JSON.parse(stdout);
  if (isInspection(value)) return value;
  throw new TypeError('python3 said something else than expected');
};

const isInspection = (value: unknown): value is Inspection =>
  typeof value === 'object' &&
  value !== null &&
  'integrity' in value &&
  typeof value.integrity === 'string' &&
  'rows' in value &&
  typeof value.rows === 'object';

/**
 * What runs in the pod; Python 3.8 and later. `probe`, `load`, `switch` and `discard`, each with the path of the database. Says what it found as JSON.
 *
 * The switch holds SQLite's exclusive lock on the old file: whoever waits for it gives up after three seconds (ML Metadata's server tries
 * ten times for up to 300 ms), so after five nobody has the old file open whose journal would be taken for the new file's.
 */
const restoreScript = `
import base64, json, os, shutil, sqlite3, sys, time
from urllib.parse import quote

verb, path = sys.argv[1:3]
new = path + '.restoring'

def discard():
    for name in (new, new + '-journal'):
        if os.path.exists(name):
            os.unlink(name)

def sync(name):
    descriptor = os.open(name, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)

def may_write():
    folder = os.path.dirname(path)
    if not os.access(folder, os.W_OK | os.X_OK) or not os.path.exists(path):
        return False
    return os.geteuid() == 0 or (os.stat(path).st_uid == os.geteuid() and os.access(path, os.W_OK))

def load():
    discard()
    lines = sys.stdin.buffer
    kind = json.loads(lines.readline())
    ended = False
    if kind == 'database':
        with open(new, 'wb') as file:
            for line in lines:
                if line == b'null\\n':
                    ended = True
                    break
                file.write(base64.b64decode(json.loads(line)))
    else:
        db = sqlite3.connect(new, isolation_level=None)
        db.execute('PRAGMA journal_mode = OFF')
        db.execute('PRAGMA synchronous = OFF')
        for line in lines:
            if line == b'null\\n':
                ended = True
                break
            db.execute(json.loads(line))
        db.close()
    if not ended:
        raise SystemExit('the dump did not arrive completely')
    db = sqlite3.connect('file:' + quote(new) + '?mode=ro', uri=True)
    integrity = '; '.join(row[0] for row in db.execute('PRAGMA integrity_check(3)'))
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows = {name: db.execute('SELECT count(*) FROM "' + name.replace('"', '""') + '"').fetchone()[0] for name in tables}
    db.close()
    old = os.stat(path)
    if os.geteuid() == 0:
        os.chown(new, old.st_uid, old.st_gid)
    else:
        try:
            os.chown(new, -1, old.st_gid)
        except PermissionError:
            pass
    os.chmod(new, old.st_mode & 0o7777)
    sync(new)
    return {'integrity': integrity, 'rows': rows}

def switch():
    kept = os.path.join(os.path.dirname(path), sys.argv[3])
    lock = None
    try:
        lock = sqlite3.connect('file:' + quote(path) + '?mode=rw', uri=True, timeout=20, isolation_level=None)
        lock.execute('BEGIN EXCLUSIVE')
    except sqlite3.DatabaseError as error:
        if 'locked' in str(error):
            raise SystemExit('somebody writes to the database without a pause')
        lock = None
    try:
        os.link(path, kept)
    except OSError:
        shutil.copy2(path, kept + '.part')
        os.rename(kept + '.part', kept)
    if os.path.exists(path + '-journal'):
        os.rename(path + '-journal', kept + '-journal')
    os.rename(new, path)
    sync(os.path.dirname(path))
    if lock is not None:
        time.sleep(float(sys.argv[4]))
        lock.execute('ROLLBACK')
        lock.close()

result = {'integrity': '', 'rows': {}}
if verb == 'probe':
    if not may_write():
        sys.exit(13)
elif verb == 'load':
    try:
        result = load()
    except BaseException:
        discard()
        raise
elif verb == 'switch':
    switch()
else:
    discard()
print(json.dumps(result))
`;
