import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { StoredDump } from '../../../src/components/mlmd/stored-dump.ts';
import { replaceMlmd } from '../../../src/components/mlmd/replace.ts';
import type { Kubernetes } from '../../../src/world.ts';
import {
  balance,
  key,
  leaveHotJournal,
  openMlmdRig,
  startWriter,
  type MlmdRig,
} from '../../rigs/mlmd-pod.ts';
import { hostileDumps } from '../../hostile/dumps.ts';
import { rejectsWithCode } from '../../rejects-with-code.ts';

const shellTools = [
  'sh',
  'cat',
  'head',
  'rm',
  'mv',
  'ln',
  'stat',
  'chown',
  'chmod',
  'sync',
  'sleep',
  'od',
];
const tools = {
  python3: { charm: ['python3'], workload: ['sh'] },
  copy: { charm: ['sh'], workload: shellTools },
} as const;

/** Puts a backup into the store, as a set describes it, and changes the database after it. */
const prepare = async (rig: MlmdRig, change = (sql: string): string => sql) => {
  const made = await rig.dump();
  const sql = gunzipSync(rig.store.objects.get(key)!.bytes).toString();
  const content = contentOf(rig.file);
  using database = new DatabaseSync(rig.file);
  database.exec(`DELETE FROM Artifact WHERE id > 10; UPDATE Artifact SET uri = 'lost'`);
  return { dump: store(rig, gzipSync(change(sql)), made), content };
};

const store = (rig: MlmdRig, bytes: Buffer, dump: StoredDump): StoredDump => {
  const { size } = rig.store.seed(key, bytes);
  return { ...dump, size, sha256: createHash('sha256').update(bytes).digest('hex') };
};

const contentOf = (file: string): unknown => {
  using database = new DatabaseSync(file, { readOnly: true });
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  return tables.map(({ name }) => [
    name,
    database.prepare(`SELECT * FROM "${String(name)}" ORDER BY rowid`).all(),
  ]);
};

const kept = 'mlmd.db.before-restore-2026-11-21-21-00-00';

const restore = (
  rig: MlmdRig,
  { dump }: Pick<Awaited<ReturnType<typeof prepare>>, 'dump'>,
  kubernetes: Kubernetes = rig.world.kubernetes,
) => replaceMlmd({ ...rig.world, kubernetes, patience: 0.1 }, { application: 'mlmd', dump, kept });

const filesOf = (rig: MlmdRig): readonly string[] => readdirSync(dirname(rig.file)).sort();

const isSound = (file: string): boolean => {
  using database = new DatabaseSync(file);
  return database.prepare('PRAGMA integrity_check').get()?.['integrity_check'] === 'ok';
};

describe('the restore of ML Metadata', () => {
  for (const way of ['python3', 'copy'] as const)
    describe(`by ${way}`, () => {
      const programs = tools[way];

      it('refuses a database in WAL mode, whose old rows would come back', async () => {
        await using rig = await openMlmdRig({ programs, runs: 5 });
        const { dump } = await prepare(rig);
        using database = new DatabaseSync(rig.file);
        database.exec("PRAGMA journal_mode = WAL; UPDATE Artifact SET uri = 'in the WAL'");
        const before = contentOf(rig.file);
        const { message } = await rejectsWithCode(restore(rig, { dump }), 'mlmd-restore-failed');
        assert.match(message, /WAL mode/);
        assert.deepEqual(contentOf(rig.file), before);
        assert.ok(!filesOf(rig).some((name) => /restor/.test(name)));
      });

      it('brings back every row, and keeps the old database next to the new one', async () => {
        await using rig = await openMlmdRig({ programs, runs: 50 });
        const backup = await prepare(rig);
        const before = readFileSync(rig.file);

        const result = await restore(rig, backup);

        assert.equal(result.way, way);
        assert.deepEqual(contentOf(rig.file), backup.content);
        assert.deepEqual(filesOf(rig), ['mlmd.db', kept]);
        assert.deepEqual(readFileSync(join(dirname(rig.file), kept)), before);
      });

      it('gives the new database the owner and the mode of the old one', async () => {
        await using rig = await openMlmdRig({ programs, runs: 5 });
        const backup = await prepare(rig);
        if (process.getuid?.() === 0) chownSync(rig.file, 1234, 1235);
        chmodSync(rig.file, 0o664);
        const { uid, gid, mode } = statSync(rig.file);

        await restore(rig, backup);

        const now = statSync(rig.file);
        assert.deepEqual([now.uid, now.gid, now.mode], [uid, gid, mode]);
      });

      it('changes nothing for a dump that is not the one that was made', async () => {
        await using rig = await openMlmdRig({ programs, runs: 5 });
        const backup = await prepare(rig);
        const before = readFileSync(rig.file);
        const dump = { ...backup.dump, sha256: '0'.repeat(64) };

        await rejectsWithCode(restore(rig, { dump }), 'mlmd-corrupt');

        assert.deepEqual(readFileSync(rig.file), before);
        assert.ok(!existsSync(join(dirname(rig.file), kept)));
        await restore(rig, backup);
        assert.deepEqual(contentOf(rig.file), backup.content);
        assert.deepEqual(filesOf(rig), ['mlmd.db', kept]);
      });

      it('changes nothing when a table comes back with other rows than were backed up', async () => {
        await using rig = await openMlmdRig({ programs, runs: 5 });
        const backup = await prepare(rig);
        const before = readFileSync(rig.file);
        const dump = { ...backup.dump, rows: { ...backup.dump.rows, Context: 1 } };

        const error = await rejectsWithCode(restore(rig, { dump }), 'mlmd-corrupt');

        assert.match(error.message, /table Context has \d+ rows, and 1 were backed up/);
        assert.deepEqual(readFileSync(rig.file), before);
        assert.deepEqual(filesOf(rig), ['mlmd.db']);
      });

      it('refuses a dump that was cut off, or that SQLite gave up', async () => {
        await using rig = await openMlmdRig({ programs, runs: 5 });
        for (const end of ['', 'ROLLBACK; -- due to errors\n']) {
          const backup = await prepare(rig, (sql) => sql.replace(/COMMIT;\s*$/, end));
          const before = readFileSync(rig.file);
          await rejectsWithCode(restore(rig, backup), 'mlmd-corrupt');
          assert.deepEqual(readFileSync(rig.file), before);
        }
      });

      it('is not spoilt by the journal of a transaction that was cut off', async () => {
        await using rig = await openMlmdRig({ programs, runs: 200 });
        const backup = await prepare(rig);
        leaveHotJournal(rig.file);

        await restore(rig, backup);

        assert.ok(!existsSync(`${rig.file}-journal`));
        assert.deepEqual(contentOf(rig.file), backup.content);
        // What was kept is whole too: its journal went with it, or was rolled back.
        assert.ok(isSound(join(dirname(rig.file), kept)));
      });

      it('can be run again after the connection was lost', async () => {
        await using rig = await openMlmdRig({ programs, runs: 20 });
        const backup = await prepare(rig);
        for (let fault = 0; fault < 4; fault += 1) {
          rig.server.execFaults.push(...Array.from({ length: fault }, () => undefined), {
            kind: 'no-status',
          });
          await restore(rig, backup).catch(() => undefined);
          rig.server.execFaults.length = 0;
          assert.ok(existsSync(rig.file));
          assert.ok(isSound(rig.file));
        }
        await restore(rig, backup);
        assert.deepEqual(contentOf(rig.file), backup.content);
      });

      it('says that a disk is full, and leaves the old database and nothing else', async () => {
        await using small = await openMlmdRig({ programs, runs: 30 });
        const backup = await prepare(small);
        await using rig = await openMlmdRig({ programs, runs: 50, fileSizeLimit: 40 });
        await rig.store.put(key, await small.store.read(key));
        const old = readFileSync(rig.file);

        await assert.rejects(restore(rig, backup), /ML Metadata/);

        assert.deepEqual(readFileSync(rig.file), old);
        assert.ok(!existsSync(join(dirname(rig.file), kept)));
      });
    });

  it('by copy is not spoilt by a journal that somebody begins at the very moment of the switch', async () => {
    await using rig = await openMlmdRig({ programs: tools.copy, runs: 200 });
    const backup = await prepare(rig);
    leaveHotJournal(rig.file);
    const journal = join(rig.folder, 'journal');
    renameSync(`${rig.file}-journal`, journal);
    const switching = 'mv -f "$2" "$1"\n';
    let moments = 0;
    const { kubernetes } = rig.world;
    const late: Kubernetes = Object.create(kubernetes, {
      exec: {
        value: (target: unknown, command: readonly string[], ...rest: unknown[]): unknown => {
          if (command.some((word) => word.includes(switching))) moments += 1;
          const begun = `${switching}cat '${journal}' > "$1-journal"\n`;
          const words = command.map((word) => word.replace(switching, begun));
          const exec = kubernetes.exec.bind(kubernetes) as (...all: unknown[]) => unknown;
          return exec(target, words, ...rest);
        },
      },
    }) as Kubernetes;
    await restore(rig, backup, late);
    assert.equal(moments, 1);
    assert.deepEqual(contentOf(rig.file), backup.content);
    assert.ok(isSound(rig.file));
    assert.ok(isSound(join(dirname(rig.file), kept)));
  });

  it('survives somebody who writes to the database all the time', async () => {
    await using rig = await openMlmdRig({ programs: tools.python3, runs: 200, patience: 15 });
    const backup = await prepare(rig);
    const { lead } = balance(rig.file);
    await using _writer = await startWriter(rig.file, 5);

    await replaceMlmd(
      { ...rig.world, patience: 1 },
      { application: 'mlmd', dump: backup.dump, kept },
    );

    for (let look = 0; look < 5; look += 1) {
      const { artifacts, executions } = balance(rig.file);
      assert.ok(artifacts >= (backup.dump.rows['Artifact'] ?? Infinity));
      assert.ok(executions >= (backup.dump.rows['Execution'] ?? Infinity));
      await new Promise((next) => setTimeout(next, 50));
    }
    assert.ok(isSound(rig.file));
    assert.ok(Number.isFinite(lead));
  });

  it('falls to the next way when Python may not write next to the database', async () => {
    await using rig = await openMlmdRig({
      programs: { charm: ['python3'], workload: shellTools },
      runs: 5,
    });
    const backup = await prepare(rig);
    const { kubernetes } = rig.world;
    const refusing: Kubernetes = {
      mayList: async () => true,
      pod: (name) => kubernetes.pod(name),
      list: (kind) => kubernetes.list(kind),
      exec: async (target, command, options) =>
        command.includes('probe')
          ? { exitCode: 13, stderr: '' }
          : kubernetes.exec(target, command, options),
      [Symbol.asyncDispose]: async () => undefined,
    };

    assert.equal((await restore(rig, backup, refusing)).way, 'copy');
    assert.deepEqual(contentOf(rig.file), backup.content);
  });

  it('restores where there is no database any more', async () => {
    await using rig = await openMlmdRig({ programs: tools.copy, runs: 5 });
    const backup = await prepare(rig);
    unlinkSync(rig.file);

    await restore(rig, backup);

    assert.deepEqual(contentOf(rig.file), backup.content);
  });

  it('changes nothing when a table comes back with other content than was backed up', async () => {
    await using rig = await openMlmdRig({ programs: tools.copy, runs: 5 });
    const backup = await prepare(rig, (sql) => sql.replace(/'system\.[A-Za-z]*'/, "'owned'"));
    const before = readFileSync(rig.file);

    const error = await rejectsWithCode(restore(rig, backup), 'mlmd-corrupt');

    assert.match(error.message, /as many rows as were backed up, but other content/);
    assert.deepEqual(readFileSync(rig.file), before);
    // Sets of earlier revisions have no digests.
    const { key: dumpKey, size, sha256, schemaVersion, rows } = backup.dump;
    await restore(rig, { dump: { key: dumpKey, size, sha256, schemaVersion, rows } });
    assert.notDeepEqual(readFileSync(rig.file), before);
  });

  it('runs nothing of a hostile dump, in the pod or here, and changes nothing', async () => {
    await using rig = await openMlmdRig({ programs: tools.python3, runs: 5 });
    const { dump } = await prepare(rig);
    const before = readFileSync(rig.file);
    const commands = rig.server.requests.filter((request) => request.startsWith('EXEC')).length;
    const some = hostileDumps.filter((_, index) => index % 12 === 0);
    for (const { name, object } of some) {
      const error = await rejectsWithCode(
        restore(rig, { dump: store(rig, object, dump) }),
        'mlmd-corrupt',
      );
      assert.ok(error.message.length <= 400, name);
    }
    assert.deepEqual(readFileSync(rig.file), before);
    assert.deepEqual(filesOf(rig), ['mlmd.db']);
    // Not one of them had the pod run anything but the look at its server.
    const more = rig.server.requests.filter((request) => request.startsWith('EXEC')).length;
    assert.equal(more - commands, some.length);
  });

  it('compares the object with its manifest before it reads anything of it', async () => {
    await using rig = await openMlmdRig({ programs: tools.copy, runs: 5 });
    const { dump } = await prepare(rig);
    rig.store.seed(key, gzipSync('.shell touch owned'));
    const error = await rejectsWithCode(restore(rig, { dump }), 'mlmd-corrupt');
    assert.match(error.message, /were written/);
  });

  it('does not touch the file that a server with MySQL has left behind', async () => {
    await using rig = await openMlmdRig({ programs: tools.copy, runs: 5 });
    const backup = await prepare(rig);
    const { kubernetes } = rig.world;
    const serverOf = (text: string): Kubernetes => ({
      mayList: async () => true,
      pod: (name) => kubernetes.pod(name),
      list: (kind) => kubernetes.list(kind),
      exec: async (target, command, options) => {
        if (!command.includes('/config/config.proto'))
          return kubernetes.exec(target, command, options);
        options?.stdout?.end(text);
        return { exitCode: 0, stderr: '' };
      },
      [Symbol.asyncDispose]: async () => undefined,
    });
    const words = [
      '/bin/metadata_store_server',
      '--mysql_config_host=db',
      '--mysql_config_password=hush',
    ];
    for (const text of [
      `/bin/sh\n${words.join('\0')}\0\n\n`,
      '\nconnection_config: {\n  mysql: {\n    host: "db"\n    password: "hush"\n  }\n}\n',
    ]) {
      const error = await rejectsWithCode(restore(rig, backup, serverOf(text)), 'mlmd-missing');
      assert.match(error.message, /does not use SQLite: .*mysql/);
      assert.ok(!error.message.includes('hush'));
      const dumping = rig.dump({ kubernetes: serverOf(text) });
      await rejectsWithCode(dumping, 'mlmd-missing');
    }
    const sqlite = '\nconnection_config: {sqlite: {filename_uri: "file:/data/mlmd.db"}}\n';
    assert.equal((await restore(rig, backup, serverOf(sqlite))).way, 'copy');
  });
});
