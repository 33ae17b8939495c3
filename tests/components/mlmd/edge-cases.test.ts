import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { gzipSync } from 'node:zlib';
import { proveDump } from '../../../src/components/mlmd/proof.ts';
import { rejectsWithCode } from '../../rejects-with-code.ts';
import { key, openMlmdRig, tools, waysHere } from '../../rigs/mlmd-pod.ts';

const odd = `
  CREATE TABLE "odd ""name; " (id INTEGER PRIMARY KEY, a, "b c" TEXT, total GENERATED ALWAYS AS (a * 2));
  INSERT INTO "odd ""name; " (id, a, "b c") VALUES
    (1, NULL, 'O''Reilly; -- "quoted"' || char(10) || char(13) || '🚂 τραίνο'),
    (2, -9223372036854775808, ''), (3, 9223372036854775807, 'x'), (4, 0.1, 'x'), (5, 1e25, 'x'), (6, 9e999, 'x'), (7, -9e999, 'x'),
    (8, 1.2345678901234567e-200, 'x'), (9, 3.0, 'x'), (10, X'00ff27', 'x'), (11, X'', 'x'), (12, 0.511066794939322, 'x');
  CREATE TABLE compact (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
  INSERT INTO compact VALUES ('k', 1);
  CREATE TABLE log (entry);
  CREATE TRIGGER logging AFTER INSERT ON compact BEGIN INSERT INTO log VALUES (new.key || ';'); SELECT CASE WHEN 1 THEN 2 END; END;
  CREATE VIEW keys AS SELECT key FROM compact;
`;
/** Text that sqlite3's own .dump would cut at the NUL. */
const bytes = `INSERT INTO log VALUES (CAST(X'61006227' AS TEXT)), (CAST(X'ff80fe' AS TEXT)), (CAST(X'eda080' AS TEXT));`;

describe('the dump of ML Metadata', () => {
  for (const way of waysHere)
    it(`keeps every kind of value, name and object (${way})`, async () => {
      await using rig = await openMlmdRig({ programs: tools[way], runs: 1 });
      using original = new DatabaseSync(rig.file);
      original.exec(odd + (way === 'sqlite3' ? '' : bytes));
      await rig.dump();
      using restored = rig.restore();
      for (const [table, columns] of [
        ['"odd ""name; "', ['id', 'a', '"b c"', 'total']],
        ['compact', ['key', 'value']],
        ['log', ['entry']],
      ] as const)
        assert.deepEqual(exact(restored, table, columns), exact(original, table, columns));
      const objects = 'SELECT type, name, sql FROM sqlite_master ORDER BY type, name';
      assert.deepEqual(restored.prepare(objects).all(), original.prepare(objects).all());
      restored.exec("INSERT INTO compact VALUES ('new', 1)");
      assert.equal(
        restored.prepare("SELECT count(*) AS n FROM log WHERE entry = 'new;'").get()?.['n'],
        1,
      );
    });
});

describe('the proof of a dump', () => {
  const prove = async (
    sql: string,
    rows: Record<string, number>,
    changes: { cut?: boolean; digests?: Record<string, string> } = {},
  ) => {
    await using rig = await openMlmdRig({ programs: tools.python3 });
    const whole = gzipSync(sql);
    const stored = changes.cut ? whole.subarray(0, -12) : whole;
    rig.store.seed(key, stored);
    await proveDump(
      { store: rig.store, scratch: rig.world.scratch, signal: rig.world.signal },
      {
        key,
        size: stored.length,
        sha256: createHash('sha256').update(stored).digest('hex'),
        schemaVersion: 10,
        rows,
        ...(changes.digests && { digests: changes.digests }),
      },
    ).finally(() => {
      assert.deepEqual(rig.leftovers(), []);
    });
  };
  const good =
    'BEGIN TRANSACTION; CREATE TABLE MLMDEnv (schema_version INTEGER PRIMARY KEY); INSERT INTO MLMDEnv VALUES(10); COMMIT;';

  it('takes what restores to what is claimed', async () => {
    await prove(good, { MLMDEnv: 1 });
  });

  for (const [what, sql, rows, changes] of [
    ['a row is missing', good, { MLMDEnv: 2 }, {}],
    ['a table is missing', good, { MLMDEnv: 1, Artifact: 0 }, {}],
    ['a table is there that was not', `${good} CREATE TABLE more (a);`, { MLMDEnv: 1 }, {}],
    ['the schema version is another', good.replace('10', '9'), { MLMDEnv: 1 }, {}],
    ['the transaction is not complete', good.replace('COMMIT;', ''), { MLMDEnv: 1 }, {}],
    ['a statement fails', `${good} INSERT INTO nowhere VALUES (1);`, { MLMDEnv: 1 }, {}],
    [
      'the text reaches for another file',
      `ATTACH '/tmp/other.db' AS other; ${good}`,
      { MLMDEnv: 1 },
      {},
    ],
    [
      'a table has as many rows and other content',
      good,
      { MLMDEnv: 1 },
      { digests: { MLMDEnv: '0'.repeat(64) } },
    ],
    ['the gzip stream is cut short', good, { MLMDEnv: 1 }, { cut: true }],
  ] as const)
    it(`refuses a dump when ${what}`, async () => {
      const error = await rejectsWithCode(prove(sql, rows, changes), 'mlmd-proof-failed');
      assert.match(error.message, /cannot be restored/);
    });

  it('refuses bytes that are not those that were written', async () => {
    await using rig = await openMlmdRig({ programs: tools.python3, runs: 1 });
    const { size, ...dump } = await rig.dump();
    rig.store.seed(key, gzipSync(good));
    await rejectsWithCode(proveDump(rig.world, { size, ...dump }), 'mlmd-proof-failed');
  });

  it('needs space on our disk, and says how much', async () => {
    await using rig = await openMlmdRig({ programs: tools.python3, runs: 1 });
    const dump = await rig.dump();
    const error = await rejectsWithCode(proveDump(rig.world, dump, 2 ** 60), 'disk-full');
    assert.match(error.message, /we need 1536 PiB on the disk of our container/);
  });

  it('does not hold a large dump in memory', async () => {
    await using rig = await openMlmdRig({ programs: tools.python3, runs: 1 });
    using database = new DatabaseSync(rig.file);
    database.exec(`CREATE TABLE large (a); WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 80000)
      INSERT INTO large SELECT printf('%01000d', n) FROM number`);
    const before = process.memoryUsage().heapUsed;
    let highest = 0;
    const timer = setInterval(() => {
      highest = Math.max(highest, process.memoryUsage().heapUsed - before);
    }, 5);
    try {
      assert.equal((await rig.dump()).rows['large'], 80_000);
    } finally {
      clearInterval(timer);
    }
    assert.ok(highest < 64 * 2 ** 20, `${highest} bytes of heap for 80 MB of text`);
  });
});

/** Values by their type and bytes. */
const exact = (database: DatabaseSync, table: string, columns: readonly string[]): unknown =>
  database
    .prepare(
      `SELECT ${columns.map((column) => `typeof(${column}), CAST(${column} AS BLOB), ${column} IS NULL`).join(', ')} FROM ${table} ORDER BY 1, 2`,
    )
    .all();
