import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { readContent } from '../../../src/components/mlmd/inspect-database.ts';
import { loadDump } from '../../../src/components/mlmd/load-dump.ts';
import { writeDump } from '../../../src/components/mlmd/write-dump.ts';
import { findProgram } from '../../servers/kubernetes/pod.ts';

const limits = { fileBytes: 64 * 2 ** 20, memoryBytes: 256 * 2 ** 20 };
const python = findProgram('python3');
const sqlite3 = findProgram('sqlite3');

/** What a column of a table may hold; text as bytes, because it need not be UTF-8. */
const value = fc.oneof(
  fc.constant(null),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.double({ noNaN: true }),
  fc.uint8Array({ maxLength: 20 }).map((bytes) => ({ blob: Buffer.from(bytes) })),
  fc.string({ unit: 'binary', maxLength: 30 }).map((text) => ({ text: Buffer.from(text) })),
  fc.stringMatching(/^[\\'",;\r\na-c01u()]{0,30}$/).map((text) => ({ text: Buffer.from(text) })),
);
const anyBytes = fc.uint8Array({ maxLength: 20 }).map((bytes) => ({ text: Buffer.from(bytes) }));
/**
 * SQLite 3.40, which Debian 12 has, reads a few of the smallest doubles wrongly in the last bit, in
 * any form.
 */
const readable = value.filter((v) => typeof v !== 'number' || v === 0 || Math.abs(v) > 1e-280);
const rowsOf = (values: typeof value) =>
  fc.array(fc.tuple(values, values, values), { maxLength: 12 });

type Row = [unknown, unknown, unknown];

describe('the dump of a database', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'dump-forms-'));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  const file = (name: string): string => {
    const path = join(folder, name);
    rmSync(path, { force: true });
    return path;
  };

  const make = (rows: readonly Row[]): string => {
    const path = file('original.db');
    using database = new DatabaseSync(path);
    database.exec(`CREATE TABLE "odd ""name; " (id INTEGER PRIMARY KEY AUTOINCREMENT, a, "b 'c'" TEXT, d DOUBLE, total GENERATED ALWAYS AS (id * 2));
      CREATE TABLE pairs (a INT NOT NULL, b INT NOT NULL, PRIMARY KEY (a, b)); INSERT INTO pairs VALUES (2, 1), (1, 2);
      CREATE TABLE compact (key TEXT PRIMARY KEY, value) WITHOUT ROWID; INSERT INTO compact VALUES ('k', 1);
      CREATE UNIQUE INDEX "i;" ON pairs (b); CREATE VIEW v AS SELECT a FROM pairs;
      CREATE TRIGGER t AFTER INSERT ON pairs BEGIN SELECT CASE WHEN 1 THEN ';' /* END; */ END; DELETE FROM compact; END`);
    const cast = (v: unknown): string => (isText(v) ? 'CAST(? AS TEXT)' : '?');
    for (const row of rows)
      database
        .prepare(`INSERT INTO "odd ""name; " (a, "b 'c'", d) VALUES (${row.map(cast).join()})`)
        .run(...row.map((v) => (isText(v) ? v.text : isBlob(v) ? v.blob : (v as null))));
    return path;
  };

  const contentOf = async (path: string): Promise<unknown> => {
    using database = new DatabaseSync(path, { readOnly: true });
    const objects = database.prepare('SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2');
    return [await readContent(database), objects.all()];
  };

  const loaded = async (chunks: AsyncIterable<Uint8Array>): Promise<unknown> => {
    const path = file('loaded.db');
    await loadDump(chunks, path, limits);
    return contentOf(path);
  };

  const ours = async (path: string): Promise<Buffer> => {
    using database = new DatabaseSync(path, { readOnly: true });
    const parts = await Array.fromAsync(writeDump(database));
    return Buffer.from(parts.join(''));
  };

  it('is loaded to the same content, wherever the stream is cut', async () => {
    const cuts = fc.array(fc.nat(4000), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(
        rowsOf(fc.oneof(value, anyBytes) as typeof value),
        cuts,
        async (rows, at) => {
          const path = make(rows);
          assert.deepEqual(await loaded(cut(await ours(path), at)), await contentOf(path));
        },
      ),
      { numRuns: 60 },
    );
    const path = make([[{ text: Buffer.from("a';\r\n") }, null, 1.5]]);
    const text = await ours(path);
    const everywhere = Array.from({ length: text.length }, (_, index) => index);
    assert.deepEqual(await loaded(cut(text, everywhere)), await contentOf(path));
  });

  it('tells what it wrote as the database tells it', async () => {
    using database = new DatabaseSync(make([[1n, { text: Buffer.from('x') }, 0.1]]));
    const writing = writeDump(database);
    let step = await writing.next();
    while (step.done !== true) step = await writing.next();
    const { rows, digests } = await readContent(database);
    assert.deepEqual([step.value.rows, step.value.digests], [rows, digests]);
  });

  it('has another digest for every change of a value', async () => {
    const different: readonly (readonly [unknown, unknown])[] = [
      [1n, 1.5],
      [null, { text: Buffer.from('') }],
      [{ text: Buffer.from('a') }, { blob: Buffer.from('a') }],
      [{ text: Buffer.from('a\r\nb') }, { text: Buffer.from('a\nb') }],
      [{ text: Buffer.from('2fff66', 'hex') }, { text: Buffer.from('2fefbfbd66', 'hex') }],
      [{ text: Buffer.from('a\0b') }, { text: Buffer.from('a') }],
    ];
    for (const [one, other] of different)
      assert.notDeepEqual(
        await contentOf(make([[one, null, null]])),
        await contentOf(make([[other, null, null]])),
      );
  });

  it('is read by the programs sqlite3 and python3 to the same content', async () => {
    const readers = [
      ...(sqlite3 === undefined ? [] : [[sqlite3, '-safe', '-bail'] as const]),
      ...(python === undefined
        ? []
        : [
            [
              python,
              '-c',
              'import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(sys.stdin.buffer.read().decode())',
            ] as const,
          ]),
    ];
    assert.ok(readers.length > 0, 'neither sqlite3 nor python3 is here');
    await fc.assert(
      fc.asyncProperty(rowsOf(fc.oneof(readable, anyBytes) as typeof value), async (rows) => {
        const path = make(rows);
        for (const [program, ...words] of readers) {
          const restored = file('by-hand.db');
          execFileSync(program, [...words, restored], { input: await ours(path) });
          assert.deepEqual(await contentOf(restored), await contentOf(path));
        }
      }),
      // The program sqlite3 turns a raw CR LF into LF.
      {
        numRuns: 15,
        endOnFailure: true,
        examples: [[[[{ text: Buffer.from('a\r\nb') }, { text: Buffer.from('\r\n') }, null]]]],
      },
    );
  });

  if (sqlite3 === undefined)
    process.stdout.write('(sqlite3 is not here: its dumps are not tried)\n');
  else
    it('is understood as sqlite3 writes it', async () => {
      const withoutNul = value.filter((v) => !isText(v) || !v.text.includes(0));
      await fc.assert(
        fc.asyncProperty(rowsOf(withoutNul), async (rows) => {
          const path = make(rows);
          const text = execFileSync(sqlite3, [path, '.dump']);
          assert.deepEqual(await loaded(cut(text, [])), await contentOf(path), text.toString());
        }),
        { numRuns: 30, endOnFailure: true },
      );
    });

  it('is understood with the forms of later releases of sqlite3', async () => {
    const sql = (text: string): Buffer =>
      Buffer.from(
        `BEGIN TRANSACTION;\nCREATE TABLE t (a);\nINSERT INTO t VALUES(${text});\nCOMMIT;\n`,
      );
    const plain = await loaded(cut(sql(`CAST(X'610d0a5c27' AS TEXT)`), []));
    assert.deepEqual(await loaded(cut(sql(String.raw`unistr('a\u000d\u000a\\''')`), [])), plain);
    const nested = String.raw`replace(replace('a(\r0)(\n0)\''','(\r0)',char(13)),'(\n0)',char(10))`;
    assert.deepEqual(await loaded(cut(sql(nested), [])), plain);
  });
});

const isText = (value: unknown): value is { readonly text: Buffer } =>
  typeof value === 'object' && value !== null && 'text' in value;

const isBlob = (value: unknown): value is { readonly blob: Buffer } =>
  typeof value === 'object' && value !== null && 'blob' in value;

async function* cut(text: Buffer, at: readonly number[]): AsyncGenerator<Buffer> {
  const places = [0, ...at.filter((place) => place < text.length).sort((a, b) => a - b)];
  for (const [index, place] of places.entries()) yield text.subarray(place, places[index + 1]);
}
