import type { Readable } from 'node:stream';
import { CharmError } from '../../errors.ts';
import { fileStream } from '../../ports/file-stream.ts';
import type { Kubernetes } from '../../world.ts';
import { measureFile } from './measure-file.ts';
import { type MlmdPlace, execText } from './pod.ts';

interface PythonReplacement {
  readonly kubernetes: Kubernetes;
  readonly place: MlmdPlace;
  /** The name under which the replaced database is kept, in the same directory. */
  readonly kept: string;
  readonly signal: AbortSignal;
  /** Seconds after which no process has the old database open any more. */
  readonly patience: number;
}

/**
 * Whether Python can replace the database there: it is installed, may write to the database's
 * folder, and may give the new file to the owner of the old one.
 */
export const canUsePython = async (
  kubernetes: Kubernetes,
  { target, file }: MlmdPlace,
  signal: AbortSignal,
): Promise<boolean> => {
  const { exitCode } = await execText(
    kubernetes,
    target,
    ['python3', '-I', '-c', replaceScript, 'probe', file],
    { signal },
  );
  return exitCode === 0;
};

/**
 * Sends a database that we have built to the volume, with Python in a container that has it. Puts
 * it in the place of the old one while that is locked, so that a process that still has the old one
 * open cannot damage the new one.
 */
export const replaceByPython = async (
  { kubernetes, place, kept, signal, patience }: PythonReplacement,
  file: string,
): Promise<void> => {
  const run = async (words: readonly string[], stdin?: Readable): Promise<void> => {
    const command = ['python3', '-I', '-c', replaceScript, ...words];
    const options = { signal, ...(stdin && { stdin }) };
    const { exitCode, stderr } = await execText(kubernetes, place.target, command, options);
    if (exitCode !== 0) throw failed(exitCode, stderr.split('\n').at(-1) ?? '');
  };
  // The command is told the number of bytes, because before Kubernetes 1.30 it cannot see the end
  // of its input.
  const { size, sha256 } = await measureFile(file);
  await run(['receive', place.file, String(size), sha256], fileStream(file));
  await run(['switch', place.file, kept, String(patience)]);
};

const failed = (exitCode: number, failure: string): CharmError =>
  new CharmError(
    /No space left|disk is full/i.test(failure) ? 'disk-full' : 'mlmd-restore-failed',
    `ML Metadata could not be restored: ${failure.slice(0, 200) || `python3 ended with exit status ${exitCode}`}. The database is as it was.`,
  );

/**
 * What runs in the pod; Python 3.8 and later. `probe`, `receive` and `switch`, each with the path
 * of the database.
 *
 * `switch` holds SQLite's exclusive lock on the old file for five seconds. Processes that wait for
 * the lock give up after three (ML Metadata's server tries ten times for up to 300 ms). So at the
 * end no process has the old file open, whose journal could be taken for that of the new file.
 */
const replaceScript = `
import hashlib, os, shutil, signal, sqlite3, sys, time
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

def refuse_wal():
    with open(path, 'rb') as file:
        head = file.read(20)
    if head[18:20] == b'\\2\\2' or os.path.exists(path + '-wal'):
        raise SystemExit("it is in SQLite's WAL mode, which ML Metadata does not use, and what is in its -wal file would come back")

def receive():
    discard()
    refuse_wal()
    left, digest = int(sys.argv[3]), hashlib.sha256()
    with open(new, 'wb') as file:
        while left > 0:
            block = sys.stdin.buffer.read1(min(left, 1 << 20))
            if not block:
                break
            digest.update(block)
            file.write(block)
            left -= len(block)
    if left > 0 or digest.hexdigest() != sys.argv[4]:
        raise SystemExit('the new database did not arrive as it was sent')
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

def switch():
    refuse_wal()
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

# Nobody may be left here whose connection was lost.
signal.alarm(6 * 60 * 60)
if verb == 'probe':
    if not may_write():
        sys.exit(13)
elif verb == 'receive':
    try:
        receive()
    except BaseException:
        discard()
        raise
else:
    switch()
`;
