import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, openSync, readFileSync, writeFileSync, writeSync, closeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';
import { readContent } from '../../../src/components/mlmd/inspect-database.ts';
import { CharmError } from '../../../src/errors.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import { rejectsWithCode } from '../../rejects-with-code.ts';
import {
  balance,
  key,
  leaveHotJournal,
  openMlmdRig,
  startWriter,
  tools,
  waysHere,
  type MlmdRig,
} from '../../rigs/mlmd-pod.ts';

/** After any failure: no object, nothing temporary, no process. */
const assertNothingLeft = async (rig: MlmdRig): Promise<void> => {
  assert.equal(rig.store.objects.size, 0);
  for (let tries = 0; rig.server.running > 0 && tries < 100; tries += 1) await wait(20);
  assert.equal(rig.server.running, 0);
  assert.deepEqual(rig.leftovers(), []);
};

describe('the dump of ML Metadata', () => {
  for (const way of waysHere)
    describe(`by ${way}`, () => {
      const programs = tools[way];

      it('restores by hand to the rows that were there', async () => {
        await using rig = await openMlmdRig({ programs, runs: 50 });
        const dump = await rig.dump();
        const { bytes } = rig.store.objects.get(key)!;
        assert.equal(dump.way, way);
        assert.equal(dump.schemaVersion, 10);
        assert.equal(dump.size, bytes.length);
        assert.equal(dump.sha256, createHash('sha256').update(bytes).digest('hex'));
        using original = new DatabaseSync(rig.file);
        using restored = rig.restore();
        const content = await readContent(original);
        assert.deepEqual([dump.rows, dump.digests], [content.rows, content.digests]);
        for (const table of [...Object.keys(dump.rows), 'sqlite_sequence'])
          assert.deepEqual(all(restored, table), all(original, table), table);
        assert.deepEqual(schema(restored), schema(original));
        assert.deepEqual(rig.leftovers(), []);
      });

      it('holds one moment of a database that is being written to', async () => {
        await using rig = await openMlmdRig({ programs, runs: 150, patience: 15 });
        const { lead } = balance(rig.file);
        await using _writer = await startWriter(rig.file, way === 'copy' ? 300 : 5);
        const dump = await rig.dump();
        using restored = rig.restore();
        const there = balance(restored);
        assert.equal(there.artifacts, there.executions);
        assert.equal(there.lead, lead);
        assert.ok(there.artifacts > 1500, 'nothing was written before the dump');
        assert.equal(dump.rows['Artifact'], there.artifacts);
        assert.deepEqual(rig.leftovers(), []);
      });

      // The program sqlite3 copies in steps that are its own.
      if (way === 'python3')
        it('begins again when writers never let it come to the end', async () => {
          await using rig = await openMlmdRig({ programs, runs: 10, patience: 60 });
          grow(rig.file);
          using writer = new DatabaseSync(rig.file, { timeout: 5000 });
          // So that it holds no lock for long, and each step finds another database.
          writer.exec('PRAGMA synchronous = OFF');
          const often = setInterval(() => {
            writer.exec('UPDATE Artifact SET state = 1 + state % 2');
          }, 5);
          const dump = await rig.dump().finally(() => {
            clearInterval(often);
          });
          assert.ok((dump.rows['Artifact'] ?? 0) > 0);
        });

      it('says so when there is no database', async () => {
        await using rig = await openMlmdRig({ programs });
        await rejectsWithCode(rig.dump(), 'mlmd-missing');
        await assertNothingLeft(rig);
        assert.ok(!existsSync(rig.file), 'it made one');
      });

      it('refuses a database that SQLite finds damaged, and says what', async () => {
        await using rig = await openMlmdRig({ programs, runs: 50 });
        damage(rig.file);
        const error = await rejectsWithCode(rig.dump(), 'mlmd-corrupt');
        assert.match(error.message, /malformed|out of order|row \d+ missing|btree|[Pp]age/);
        await assertNothingLeft(rig);
      });

      it('refuses what is no database at all', async () => {
        await using rig = await openMlmdRig({ programs });
        writeFileSync(rig.file, 'this is not a database\n'.repeat(1000));
        await rejectsWithCode(rig.dump(), 'mlmd-corrupt');
        await assertNothingLeft(rig);
      });

      it('refuses an empty file, which a lost volume leaves', async () => {
        await using rig = await openMlmdRig({ programs });
        writeFileSync(rig.file, '');
        await rejectsWithCode(rig.dump(), 'mlmd-corrupt');
        await assertNothingLeft(rig);
      });

      it('does not read past the journal that a crash left behind', async () => {
        await using rig = await openMlmdRig({ programs, runs: 100, patience: 0.3 });
        leaveHotJournal(rig.file);
        const before = readFileSync(rig.file);
        const error = await rejectsWithCode(rig.dump(), 'mlmd-dump-failed');
        assert.match(error.message, /journal/);
        assert.ok(readFileSync(rig.file).equals(before), 'the file was changed');
        await assertNothingLeft(rig);
      });

      if (way === 'copy')
        it('tells such a journal also when one copy takes longer than it has patience', async () => {
          await using rig = await openMlmdRig({ programs, runs: 100, patience: 0 });
          leaveHotJournal(rig.file);
          const { message } = await rejectsWithCode(rig.dump(), 'mlmd-dump-failed');
          assert.match(message, /journal/);
        });

      it('waits for a writer who holds the file, and gives up in the end', async () => {
        await using rig = await openMlmdRig({ programs, runs: 20, patience: 0.3 });
        using writer = new DatabaseSync(rig.file);
        writer.exec('BEGIN EXCLUSIVE; UPDATE Artifact SET state = 1');
        await rejectsWithCode(rig.dump(), 'mlmd-dump-failed');
        await assertNothingLeft(rig);
      });

      it('fails when the pod restarts meanwhile', async () => {
        await using rig = await openMlmdRig({ programs, runs: 100 });
        rig.server.execFaults.push(...before(way), { kind: 'restart', afterBytes: 20_000 });
        const error = await rejectsWithCode(rig.dump(), 'mlmd-dump-failed');
        assert.match(error.message, /pod mlmd-0 restarted/);
        await assertNothingLeft(rig);
      });

      it('fails when the connection drops, and leaves nothing running in the pod', async () => {
        await using rig = await openMlmdRig({ programs, runs: 100 });
        rig.server.execFaults.push(...before(way), { kind: 'drop', afterBytes: 20_000 });
        const error = await rejectsWithCode(rig.dump(), 'mlmd-dump-failed');
        assert.match(error.message, /cut off/);
        await assertNothingLeft(rig);
      });

      it('fails with what S3 said when the upload breaks off, and stops the command', async () => {
        await using rig = await openMlmdRig({ programs, runs: 100 });
        const error = await rejectsWithCode(
          rig.dump({ store: new BreakingStore() }),
          'store-unreachable',
        );
        assert.match(error.message, /broke off/);
        await assertNothingLeft(rig);
      });

      it('stops when we are stopped', async () => {
        await using rig = await openMlmdRig({ programs, runs: 100 });
        rig.server.execFaults.push(...before(way), { kind: 'slow', millisecondsPerChunk: 50 });
        setTimeout(() => {
          rig.stop.abort(new CharmError('interrupted', 'Juju asked us to stop.'));
        }, 150);
        await rejectsWithCode(rig.dump(), 'interrupted');
        await assertNothingLeft(rig);
      });
    });

  for (const way of waysHere.filter((name) => name !== 'copy'))
    it(`fails when the pod has no space for the copy of ${way}`, async () => {
      await using rig = await openMlmdRig({ programs: tools[way], runs: 100, fileSizeLimit: 200 });
      await rejectsWithCode(rig.dump(), 'mlmd-dump-failed');
      await assertNothingLeft(rig);
    });

  it('takes the first way that the pod has the tools for', async () => {
    const { python3, sqlite3, copy } = tools;
    const all = [...sqlite3.workload, ...copy.workload];
    await using rig = await openMlmdRig({
      programs: { charm: python3.charm, workload: all },
      runs: 10,
    });
    assert.equal((await rig.dump()).way, 'python3');
    assert.deepEqual(rig.notes, []);
  });

  it('says which tools it did without', async () => {
    await using rig = await openMlmdRig({ programs: tools.copy, runs: 10 });
    assert.equal((await rig.dump()).way, 'copy');
    assert.equal(rig.notes.length, 2);
    assert.match(rig.notes.join(), /python3.*sqlite3/);
  });

  it('does not take another way when the database is damaged', async () => {
    const programs = { charm: tools.python3.charm, workload: tools.copy.workload };
    await using rig = await openMlmdRig({ programs, runs: 50 });
    damage(rig.file);
    await rejectsWithCode(rig.dump(), 'mlmd-corrupt');
    assert.equal(rig.server.requests.filter((request) => request.startsWith('EXEC')).length, 2);
  });

  it('says so when the pod has no tools at all', async () => {
    await using rig = await openMlmdRig({ programs: { charm: [], workload: [] }, runs: 10 });
    await rejectsWithCode(rig.dump(), 'mlmd-dump-failed');
    await assertNothingLeft(rig);
  });

  it('says so when there is no pod', async () => {
    await using rig = await openMlmdRig({ programs: tools.python3, runs: 10 });
    rig.server.removePod('mlmd-0');
    await rejectsWithCode(rig.dump(), 'mlmd-missing');
  });

  for (const [name, content] of [
    ['no row', 'DELETE FROM MLMDEnv'],
    ['two rows', 'INSERT INTO MLMDEnv VALUES (9)'],
    ['no table', 'DROP TABLE MLMDEnv'],
    [
      'NULL',
      'DROP TABLE MLMDEnv; CREATE TABLE MLMDEnv (schema_version); INSERT INTO MLMDEnv VALUES (NULL)',
    ],
  ] as const)
    it(`refuses a database whose schema version is ${name}`, async () => {
      await using rig = await openMlmdRig({ programs: tools.python3, runs: 1 });
      {
        using database = new DatabaseSync(rig.file);
        database.exec(content);
      }
      const error = await rejectsWithCode(rig.dump(), 'mlmd-corrupt');
      assert.match(error.message, /exactly one schema version/);
      await assertNothingLeft(rig);
    });

  it('says that a copy was cut short, and does not call the database damaged', async () => {
    for (const way of waysHere) {
      await using rig = await openMlmdRig({ programs: tools[way], runs: 100 });
      rig.server.execFaults.push(...before(way), { kind: 'cut', afterBytes: 20_000 });
      const error = await rejectsWithCode(rig.dump(), 'mlmd-dump-failed');
      assert.match(error.message, /arrive/);
      await assertNothingLeft(rig);
    }
  });

  it('does not need the memory of its largest rows many times', async () => {
    await using rig = await openMlmdRig({ programs: tools.python3, runs: 1 });
    {
      using database = new DatabaseSync(rig.file);
      database.exec('CREATE TABLE large (value)');
      const insert = database.prepare('INSERT INTO large VALUES (?)');
      for (let row = 0; row < 200; row += 1) insert.run(`${row}\r\n`.padEnd(2 ** 20, 'x'));
    }
    // The thread may have 384 MiB; as hexadecimal these rows have 400.
    assert.equal((await rig.dump()).rows['large'], 200);
  });

  it('deletes the object when its proof fails', async () => {
    await using rig = await openMlmdRig({ programs: tools.python3, runs: 10 });
    rig.store.failNext('body', new CharmError('store-unreachable', 'S3 cut the body short.'));
    await rejectsWithCode(rig.dump(), 'store-unreachable');
    await assertNothingLeft(rig);
  });
});

/**
 * The faults of the execs that come before the one that reads: a look at the server, and the ways
 * that are not there.
 */
const before = (way: (typeof waysHere)[number]): readonly undefined[] =>
  Array.from({ length: { python3: 1, sqlite3: 2, copy: 3 }[way] });

class BreakingStore extends FakeObjectStore {
  override async upload(
    _key: string,
    body: Parameters<FakeObjectStore['upload']>[1],
  ): Promise<never> {
    await body[Symbol.asyncIterator]().next();
    throw new CharmError('store-unreachable', 'The upload broke off.');
  }
}

/** Writes rubbish over a page in the middle. */
const damage = (file: string): void => {
  const handle = openSync(file, 'r+');
  writeSync(handle, Buffer.alloc(4096 * 12, 0xa5), 0, 4096 * 12, 4096 * 20);
  closeSync(handle);
};

/** To more pages than are copied in one step, and than SQLite keeps in memory; none is in use. */
const grow = (file: string): void => {
  using database = new DatabaseSync(file);
  database.exec('PRAGMA page_size = 512; VACUUM');
  database.exec('CREATE TABLE filler (bytes); INSERT INTO filler VALUES (zeroblob(10000000))');
  database.exec('DROP TABLE filler');
};

const all = (database: DatabaseSync, table: string): unknown =>
  database
    .prepare(
      `SELECT * FROM "${table}" ORDER BY 1, 2`.replace(', 2', table === 'MLMDEnv' ? '' : ', 2'),
    )
    .all();

const schema = (database: DatabaseSync): unknown =>
  database
    .prepare('SELECT type, name, sql FROM sqlite_master WHERE sql NOT NULL ORDER BY type, name')
    .all();
