/**
 * The same as mlmd-python.ts with the program sqlite3, in a POSIX shell with coreutils and gzip. Arguments: the database, the
 * milliseconds to wait for its writers, and the folders that the temporary copy may lie in. Exits 127 without sqlite3 or gzip.
 * What sqlite3's own `.dump` cannot express, text after a NUL, is lost in this way.
 */
export const sqlite3Dump = `
command -v sqlite3 >/dev/null && command -v gzip >/dev/null || exit 127
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
ask() { sqlite3 -batch "$temp" "$1" 2>&1 </dev/null; }
check=$(ask 'PRAGMA integrity_check(5)')
[ "$check" = ok ] || quit corrupt "$check"
version=$(ask 'SELECT schema_version FROM MLMDEnv') || quit not-mlmd 'there is no schema version in it'
{ sqlite3 -batch "$temp" .dump </dev/null || : > "$temp-failed"; } | gzip -6 || quit failed 'gzip failed'
[ ! -e "$temp-failed" ] || quit failed 'sqlite3 .dump failed'
say schema "$version"
say sqlite "$(ask 'SELECT sqlite_version()')"
say bytes "$(stat -c %s "$temp")"
ask "SELECT 'SELECT ''rows '' || count(*) || '' '' || ' || quote(name) || ' FROM \\"' || replace(name, '\\"', '\\"\\"') || '\\";'
  FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@'" | sqlite3 -batch "$temp" >&2
`.trim();

/**
 * Copies the file of the database to stdout, with coreutils alone, and says before and after what shows whether it was
 * written to: journals, inode, size, times to the nanosecond, and the header with the change counter. Argument: the database.
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
