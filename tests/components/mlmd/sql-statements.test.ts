import assert from 'node:assert/strict';
import fc from 'fast-check';
import { splitStatements } from '../../../src/components/mlmd/sql-statements.ts';

const split = async (...chunks: readonly string[]): Promise<readonly string[]> =>
  Array.fromAsync(splitStatements(stream(chunks)));

async function* stream(chunks: readonly string[]): AsyncGenerator<string> {
  yield* chunks;
}

const statements = [
  "INSERT INTO t VALUES('a;b''; -- no comment', X'00');",
  '\nCREATE TABLE "odd;""name" (`a;b`, [c;d]);',
  '\n-- a comment; with a semicolon\nSELECT 1;',
  '\n/* another; */ SELECT 2 / 1 - 1;',
  "\ncreate /* ; */ temp trigger x AFTER INSERT ON t BEGIN SELECT CASE WHEN 1 THEN ';' END; DELETE FROM t; END;",
  '\nCREATE TRIGGER y BEFORE DELETE ON t BEGIN SELECT 1; /* so; */ end -- here;\n;',
  "\nINSERT INTO t VALUES('two\nlines; 🚂');",
  '\nCOMMIT;',
];

describe('splitting SQL text into statements', () => {
  it('knows quotes, names, comments and triggers', async () => {
    assert.deepEqual(await split(statements.join('')), statements);
  });

  it('does so wherever the stream is cut', async () => {
    const text = statements.join('');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(text.length), { maxLength: 60 }), async (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const chunks = places.slice(1).map((end, index) => text.slice(places[index], end));
        assert.deepEqual(await split(...chunks), statements);
      }),
    );
    assert.deepEqual(await split(...Array.from(text)), statements);
  });

  it('gives what has no semicolon last, unless it is blank', async () => {
    assert.deepEqual(await split('SELECT 1; SELECT 2'), ['SELECT 1;', ' SELECT 2']);
    assert.deepEqual(await split('SELECT 1;\n'), ['SELECT 1;']);
    assert.deepEqual(await split("SELECT 'open; "), ["SELECT 'open; "]);
  });
});
