import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gzipSync } from 'node:zlib';
import { buildDatabase, type Outcome } from '../../../src/components/mlmd/sqlite-thread.ts';
import { goodDump, hostileDumps } from '../../hostile/dumps.ts';

const limits = { fileBytes: 64 * 2 ** 20, memoryBytes: 256 * 2 ** 20 };

describe('a database that is built of a dump', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'build-database-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const build = async (
    object: Buffer,
    changes: { fileBytes?: number; seconds?: number; signal?: AbortSignal } = {},
  ): Promise<Outcome> => {
    const dump = join(folder, 'dump.gz');
    writeFileSync(dump, object);
    return buildDatabase(
      {
        dump,
        file: join(folder, 'mlmd.db'),
        limits: { ...limits, fileBytes: changes.fileBytes ?? limits.fileBytes },
      },
      { seconds: changes.seconds ?? 600, signal: changes.signal ?? new AbortController().signal },
    );
  };

  it('has what the dump says', async () => {
    const outcome = await build(goodDump);
    assert.equal(outcome.kind, 'done');
    assert.deepEqual([outcome.content.rows, outcome.content.schemaVersion], [{ MLMDEnv: 1 }, 10]);
    using database = new DatabaseSync(join(folder, 'mlmd.db'), { readOnly: true });
    assert.deepEqual(
      database
        .prepare('SELECT * FROM MLMDEnv')
        .all()
        .map((row) => ({ ...row })),
      [{ schema_version: 10 }],
    );
  });

  it('is refused for what no dump holds, with the reason', async () => {
    // Each kind of refusal once; load-dump.test.ts has all of them.
    const names = ['a command by edit()', 'a table from a query without an end', 'no gzip'];
    for (const name of [...names, 'gzip that is cut off', 'spaces without an end']) {
      const { object, refusedWith } = hostileDumps.find((one) => one.name === name)!;
      const outcome = await build(object);
      assert.equal(outcome.kind, 'refused');
      assert.match(outcome.why, refusedWith);
      assert.ok(outcome.why.length < 200, outcome.why);
    }
  });

  it('does not outgrow its limit', async () => {
    const rows = `INSERT INTO "t" VALUES(X'${'00'.repeat(100_000)}');\n`.repeat(100);
    const sql = `BEGIN TRANSACTION;\nCREATE TABLE t (a);\n${rows}COMMIT;\n`;
    assert.deepEqual(await build(gzipSync(sql), { fileBytes: 2 ** 20 }), { kind: 'full' });
    assert.equal((await build(gzipSync(sql))).kind, 'done');
  });

  it('is given up when its time is over', async () => {
    const rows = 'INSERT INTO "t" VALUES(1);\n'.repeat(1_000_000);
    const sql = `BEGIN TRANSACTION;\nCREATE TABLE t (a);\n${rows}COMMIT;\n`;
    const outcome = await build(gzipSync(sql), { seconds: 0.001 });
    assert.equal(outcome.kind, 'refused');
    assert.match(outcome.why, /in 0\.001 s/);
  });

  it('is given up when we are asked to stop', async () => {
    const stop = new AbortController();
    const building = build(goodDump, { signal: stop.signal });
    stop.abort(new Error('asked to stop'));
    await assert.rejects(building, /asked to stop/);
  });
});
