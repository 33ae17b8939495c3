/**
 * Copies a SQLite database that is being written to, with only Python 3.8 or later. Arguments: the
 * database, the seconds to wait for its writers, the seconds after which it ends itself, and the
 * folders that the temporary copy may lie in.
 *
 * - The copy is made with SQLite's online backup through a read-only connection, which takes the
 *   locks that SQLite's own clients take. It goes in steps, because ML Metadata refuses writes when
 *   a lock is held for more than about two seconds. Only when writers have made it start again
 *   several times, it is done in one step.
 * - The copy's file is unlinked as soon as it is open, so that its space is freed however this
 *   process ends. A thread ends the process when stdout is not read any more.
 * - stdout is the copy, gzipped. stderr says how many bytes it has and their SHA-256.
 * - Exits 0, 127 without the module sqlite3, or 10 with a line `error`, which snapshot-failures.ts
 *   reads.
 */
export const pythonSnapshot = `
import gzip,hashlib,os,pathlib,select,shutil,signal,sys,tempfile,threading,time
try: import sqlite3
except ImportError: os._exit(127)
signal.signal(signal.SIGPIPE,signal.SIG_DFL)
path,patience=sys.argv[1],float(sys.argv[2])
signal.alarm(int(sys.argv[3]))
def watch():
  poll=select.poll();poll.register(1,0);poll.poll();os._exit(1)
def say(*words): print(*words,file=sys.stderr,flush=True)
def fail(kind,text): say('error',kind,' '.join(str(text).split()));os._exit(10)
if not os.path.isfile(path): fail('missing','no such file')
need=os.path.getsize(path)*11//10+(1<<24)
best=-1
for place in sys.argv[4:]:
  try:
    for old in pathlib.Path(place).glob('ckf-backup-mlmd.*'): old.unlink()
    free=shutil.disk_usage(place).free
    best=max(best,free)
    if free<need: continue
    handle,temp=tempfile.mkstemp(dir=place,prefix='ckf-backup-mlmd.');break
  except OSError: continue
else: fail('no-space','a copy needs %d bytes, there are %d'%(need,best))
class Restarted(Exception): pass
class Busy(Exception): pass
deadline=time.monotonic()+patience
def copy(pages):
  # What an attempt before this one has left is no database.
  os.ftruncate(handle,0)
  seen=[1<<62,0]
  def progress(status,remaining,total):
    if status in (5,6):
      if time.monotonic()>deadline: raise Busy()
      return
    # It began at the first page again: as much is left as after an earlier step, or more.
    if remaining>=seen[0]: seen[1]+=1
    if seen[1]>3 and pages>0: raise Restarted()
    seen[0]=remaining
  source.backup(dst,pages=pages,progress=progress,sleep=0.05)
try:
  dst=sqlite3.connect(temp,isolation_level=None)
  dst.execute('PRAGMA journal_mode=OFF');dst.execute('PRAGMA synchronous=OFF')
  if os.fstat(handle).st_nlink==0: fail('failed','another backup took the temporary copy away')
finally: pathlib.Path(temp).unlink(missing_ok=True)
threading.Thread(target=watch,daemon=True).start()
try:
  with open(path,'rb') as file: head=file.read(20)
  if head[18:20]==b'\\2\\2': fail('wal','journal_mode is WAL')
  source=sqlite3.connect(pathlib.Path(os.path.abspath(path)).as_uri()+'?mode=ro',uri=True,timeout=1)
  while True:
    try:
      try: copy(4096)
      except Restarted: copy(-1)
      break
    except Busy: fail('busy','database is locked')
    except sqlite3.OperationalError as error:
      hot=('readonly' in str(error) or 'unable to open' in str(error)) and os.path.exists(path+'-journal')
      locked='locked' in str(error)
      if not hot and not locked: raise
      if time.monotonic()>deadline: fail('hot-journal' if hot else 'busy',error)
      time.sleep(0.2)
  source.close();dst.close()
  digest=hashlib.sha256();total=0
  stdout=open(1,'wb',1<<16,closefd=False)
  out=gzip.GzipFile('',mode='wb',compresslevel=1,fileobj=stdout,mtime=0)
  with open(handle,'rb') as file:
    file.seek(0)
    while True:
      block=file.read(1<<20)
      if not block: break
      digest.update(block);total+=len(block);out.write(block)
  out.close();stdout.flush()
  say('bytes',total);say('sha256',digest.hexdigest())
except sqlite3.DatabaseError as error:
  kind='no-space' if 'full' in str(error) else 'corrupt' if 'malformed' in str(error) or 'not a database' in str(error) else 'failed'
  fail(kind,error)
except OSError as error: fail('failed',error)
`.trim();

/**
 * The same with the program sqlite3, in a POSIX shell with coreutils and gzip. Arguments: the
 * database, the milliseconds to wait for its writers, and the folders that the temporary copy may
 * lie in. Exits 127 without one of the programs.
 */
export const sqlite3Snapshot = `
for tool in sqlite3 gzip sha256sum stat mktemp; do command -v "$tool" >/dev/null || exit 127; done
say() { echo "$*" >&2; }
quit() { say error "$1" $2; exit 10; }
db=$1; patience=$2; shift 2
umask 077; HOME=/; export HOME
[ -f "$db" ] || quit missing 'no such file'
need=$(($(stat -c %s "$db") * 11 / 10 + 16777216))
temp=
for place; do
  rm -f "$place"/ckf-backup-mlmd.*
  free=$(stat -f -c %a "$place" 2>/dev/null) && block=$(stat -f -c %S "$place") || continue
  [ $((free * block)) -ge "$need" ] || continue
  temp=$(mktemp "$place/ckf-backup-mlmd.XXXXXX" 2>/dev/null) && break
done
[ -n "$temp" ] || quit no-space "a copy needs $need bytes"
trap 'rm -f "$temp" "$temp"-*' EXIT
trap 'exit 1' HUP INT TERM PIPE
if ! error=$(sqlite3 -batch -readonly "$db" ".timeout $patience" ".backup '$temp'" 2>&1 </dev/null); then
  case $error in
    *locked*|*busy*) quit busy "$error";;
    *malformed*|*'not a database'*) quit corrupt "$error";;
    *full*) quit no-space "$error";;
  esac
  [ ! -e "$db-journal" ] || quit hot-journal "$error"
  quit failed "$error"
fi
sum=$(sha256sum < "$temp") && gzip -1 < "$temp" || quit failed 'the copy could not be sent'
say bytes "$(stat -c %s "$temp")"
say sha256 "\${sum%% *}"
`.trim();

/**
 * Copies the file of the database to stdout, with coreutils alone. Before and after, it prints to
 * stderr what shows whether the file was written to: journals, inode, size, times to the
 * nanosecond, and the header with the change counter. Argument: the database.
 */
export const guardedCopy = `
for tool in stat od cat; do command -v "$tool" >/dev/null || exit 127; done
[ -f "$1" ] || { echo error missing no such file >&2; exit 10; }
look() {
  for suffix in journal wal; do [ ! -e "$1-$suffix" ] || echo "$suffix"; done
  stat -c '%i %s %y %z' "$1" && od -A n -v -t x1 -N 28 "$1"
}
exec 3>&1 1>&2
before=$(look "$1") && echo "$before" && echo then || exit 10
case $before in journal*|wal*) exit 0;; esac
cat "$1" >&3 || exit 10
look "$1"
`.trim();
