import { gzipSync } from 'node:zlib';

/** Dumps that somebody put into the bucket who wishes us ill, and what is said of each. */
export interface HostileDump {
  readonly name: string;
  /** As it lies in S3. */
  readonly object: Buffer;
  /** Whether it is whole gzip, which is no fault of its own. */
  readonly isPacked: boolean;
  readonly refusedWith: RegExp;
}

const table = 'CREATE TABLE MLMDEnv (schema_version INTEGER PRIMARY KEY);\n';
const begin = 'PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n';
const rows = 'INSERT INTO "MLMDEnv" VALUES(10);\n';
/** A dump that is good but for what is put into it. */
const around = (text: string): string => `${begin}${table}${rows}${text}\nCOMMIT;\n`;

const foreign = /holds what no dump of a database holds/;
const sqlite = /SQLite refuses it/;

const texts: readonly (readonly [name: string, text: string | Buffer, refusedWith: RegExp])[] = [
  [
    'a command by edit()',
    around(`INSERT INTO "MLMDEnv" VALUES(edit('x','touch /tmp/owned'));`),
    foreign,
  ],
  [
    'a file by readfile()',
    around(`INSERT INTO "MLMDEnv" VALUES(readfile('/etc/passwd'));`),
    foreign,
  ],
  [
    'a file by writefile()',
    around(`INSERT INTO "MLMDEnv" VALUES(writefile('/tmp/owned','x'));`),
    foreign,
  ],
  ['a library', around(`INSERT INTO "MLMDEnv" VALUES(load_extension('/tmp/x.so'));`), foreign],
  ['a function around a value', around(`INSERT INTO "MLMDEnv" VALUES(abs(1));`), foreign],
  ['a value that is added to', around(`INSERT INTO "MLMDEnv" VALUES(1+1);`), foreign],
  ['a value from a query', around(`INSERT INTO "MLMDEnv" VALUES((SELECT 1));`), foreign],
  ['rows from a query', around(`INSERT INTO "MLMDEnv" SELECT 1;`), foreign],
  [
    'a large blob in few letters',
    around(`INSERT INTO "MLMDEnv" VALUES(zeroblob(900000000));`),
    foreign,
  ],
  [
    'a replace() that multiplies',
    around(`INSERT INTO "MLMDEnv" VALUES(replace('a','a',replace('a','a',hex(zeroblob(9)))));`),
    foreign,
  ],
  [
    'a replace() of three',
    around(
      `INSERT INTO "MLMDEnv" VALUES(replace(replace(replace('a','b',char(10)),'c',char(13)),'d',char(10)));`,
    ),
    foreign,
  ],
  [
    'a replace() of nothing',
    around(`INSERT INTO "MLMDEnv" VALUES(replace('a','',char(10)));`),
    foreign,
  ],
  [
    'a unistr() that SQLite does not know',
    around(String.raw`INSERT INTO "MLMDEnv" VALUES(unistr('\+110000'));`),
    foreign,
  ],
  ['a row that is replaced', around('REPLACE INTO "MLMDEnv" VALUES(11);'), foreign],
  ['a row that is returned', around('INSERT INTO "MLMDEnv" VALUES(11) RETURNING *;'), foreign],
  ['a conflict that is ignored', around('INSERT OR IGNORE INTO "MLMDEnv" VALUES(11);'), foreign],
  ['a name with a schema', around('INSERT INTO main.MLMDEnv VALUES(11);'), foreign],
  ['more columns than values', around('INSERT INTO "MLMDEnv"(a,b) VALUES(11);'), foreign],
  ['an odd blob', around(`INSERT INTO "MLMDEnv" VALUES(X'0g');`), foreign],
  ['a number with a tail', around('INSERT INTO "MLMDEnv" VALUES(1x);'), foreign],
  [
    'a number of 100,000 digits',
    around(`INSERT INTO "MLMDEnv" VALUES(${'9'.repeat(100_000)});`),
    foreign,
  ],
  ['a comment', around('/* hello */'), foreign],
  ['a comment to the end of the line', around('-- hello'), foreign],
  ['a command of the shell', around('.shell touch /tmp/owned'), foreign],
  [
    'a command of the shell behind a NUL',
    Buffer.from(around('\0\n.shell touch /tmp/owned')),
    /holds a NUL/,
  ],
  ['a NUL in a text', Buffer.from(around(`INSERT INTO "MLMDEnv" VALUES('a\0b');`)), /holds a NUL/],
  ['another file', around(`ATTACH '/tmp/other.db' AS other;`), foreign],
  ['another file by VACUUM', around(`VACUUM INTO '/tmp/other.db';`), foreign],
  ['a PRAGMA', around('PRAGMA writable_schema=ON;'), foreign],
  ['a PRAGMA with a query behind it', around('PRAGMA foreign_keys=OFF UNION SELECT 1;'), foreign],
  ['a query', around('SELECT 1;'), foreign],
  [
    'a query without an end',
    around('WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n) SELECT count(*) FROM n;'),
    foreign,
  ],
  ['an update', around('UPDATE MLMDEnv SET schema_version = 9;'), foreign],
  ['a deletion', around('DELETE FROM MLMDEnv;'), foreign],
  ['a virtual table', around('CREATE VIRTUAL TABLE v USING fts5(a);'), foreign],
  [
    'a virtual table as sqlite3 writes it',
    around(
      `PRAGMA writable_schema=ON;\nINSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table','v','v',0,'CREATE VIRTUAL TABLE v USING fts5(a)');`,
    ),
    foreign,
  ],
  ['a temporary table', around('CREATE TEMP TABLE t (a);'), foreign],
  ['a table in lower case', around('create table t (a);'), foreign],
  ['a table from a query', around('CREATE TABLE t AS SELECT 1;'), sqlite],
  [
    'a table from a query without an end',
    around(
      'CREATE TABLE t AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n) SELECT x FROM n;',
    ),
    sqlite,
  ],
  [
    'a check that calls what is not harmless',
    around(`CREATE TABLE t (a CHECK (a LIKE '%%%%%%%%%%%%x'));`),
    sqlite,
  ],
  [
    'a generated column that fills memory',
    around('CREATE TABLE t (a, b AS (zeroblob(900000000)) STORED);\nINSERT INTO "t"(a) VALUES(1);'),
    sqlite,
  ],
  [
    'an index on a function',
    around('CREATE INDEX i ON MLMDEnv (hex(zeroblob(900000000)));'),
    sqlite,
  ],
  ['two statements in one', around('CREATE TABLE t (a);CREATE TABLE t (a);'), sqlite],
  [
    'a definition of a megabyte',
    around(`CREATE TABLE t (${'a'.repeat(2 ** 20)});`),
    /definition of more than 256 KiB/,
  ],
  [
    'a definition of two million brackets',
    around(`CREATE TABLE t ${'('.repeat(2 ** 21)};`),
    /definition of more than 256 KiB/,
  ],
  [
    'a definition of many comments',
    around(`CREATE TRIGGER t ${'/**/--\n'.repeat(60_000)};`),
    /definition of more than 256 KiB/,
  ],
  [
    'a row of 10,000 values',
    around(`INSERT INTO "MLMDEnv" VALUES(${Array(10_000).fill('1').join()});`),
    /more than 2000 values/,
  ],
  [
    'rows behind a trigger',
    around(
      'CREATE TRIGGER t AFTER INSERT ON MLMDEnv BEGIN SELECT 1; END;\nINSERT INTO "MLMDEnv" VALUES(11);',
    ),
    /rows behind its indexes/,
  ],
  [
    'a table behind an index',
    around('CREATE INDEX i ON MLMDEnv (schema_version);\nCREATE TABLE t (a);'),
    /rows behind its indexes/,
  ],
  ['no transaction', `${table}${rows}COMMIT;\n`, /one transaction/],
  [
    'two transactions',
    `${begin}${table}${rows}COMMIT;\nBEGIN TRANSACTION;\nCOMMIT;\n`,
    /goes on after its COMMIT/,
  ],
  [
    'something behind the COMMIT',
    `${around('')}.shell touch /tmp/owned\n`,
    /goes on after its COMMIT/,
  ],
  ['no COMMIT', `${begin}${table}${rows}`, /does not end with COMMIT/],
  ['an end within a row', `${begin}${table}INSERT INTO "MLMDEnv" VALUES('`, /cut off within a row/],
  ['an end within a definition', `${begin}CREATE TABLE t (`, /cut off within a definition/],
  ['a ROLLBACK', `${begin}${table}${rows}ROLLBACK; -- due to errors\n`, /ends with ROLLBACK/],
  ['a table that is not there', around('INSERT INTO "nowhere" VALUES(1);'), sqlite],
  [
    'the schema itself',
    around(`INSERT INTO "sqlite_master" VALUES('table','t','t',0,'CREATE TABLE t(a)');`),
    sqlite,
  ],
  ['a row twice', around(rows), sqlite],
  [
    'a name that is not UTF-8',
    Buffer.from(around('INSERT INTO "\xff" VALUES(1);'), 'latin1'),
    /not UTF-8/,
  ],
  [
    '126 letters that once took seven seconds',
    around(`${'/*-- */ '.repeat(14)}create temp`),
    foreign,
  ],
];

const bomb = gzipSync(Buffer.alloc(64 * 2 ** 20, 32));

export const hostileDumps: readonly HostileDump[] = [
  ...texts.map(([name, text, refusedWith]) => ({
    name,
    object: gzipSync(text),
    isPacked: true,
    refusedWith,
  })),
  {
    name: 'no gzip',
    object: Buffer.from(around('')),
    isPacked: false,
    refusedWith: /cannot be unpacked/,
  },
  {
    name: 'a database as a file',
    object: gzipSync('SQLite format 3\0'),
    isPacked: true,
    refusedWith: /holds a NUL/,
  },
  {
    name: 'gzip that is cut off',
    object: gzipSync(around('')).subarray(0, -9),
    isPacked: false,
    refusedWith: /cannot be unpacked/,
  },
  {
    name: 'spaces without an end',
    object: Buffer.concat(Array.from({ length: 4 }, () => bomb)),
    isPacked: true,
    refusedWith: /does not end with COMMIT/,
  },
  {
    name: 'nothing',
    object: gzipSync(''),
    isPacked: true,
    refusedWith: /does not end with COMMIT/,
  },
];

export const goodDump = gzipSync(around(''));
