import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { openKubernetes } from '../../src/adapters/kubernetes/kubernetes.ts';
import { dumpMlmd, type DumpWorld } from '../../src/components/mlmd/dump.ts';
import { FastClock } from '../fakes/fast-clock.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { createMlmdData } from '../sandbox/mlmd-data.ts';
import { startKubernetes } from '../servers/kubernetes/kubernetes.ts';
import { findProgram, type ContainerDefinition } from '../servers/kubernetes/pod.ts';

export const key = 'kubeflow/mlmd/mlmd-2026-11-21-20-15-00.dump.gz';

/** What each way needs in its container. */
export const tools = {
  python3: { charm: ['python3'], workload: ['sh'] },
  sqlite3: {
    charm: ['sh'],
    workload: ['sh', 'sqlite3', 'gzip', 'stat', 'mktemp', 'rm', 'sha256sum'],
  },
  copy: { charm: ['sh'], workload: ['sh', 'cat', 'stat', 'od'] },
} as const;

/** The ways that this machine has the programs for; only sqlite3 may be missing. */
export const waysHere = (['python3', 'sqlite3', 'copy'] as const).filter(
  (way) => way !== 'sqlite3' || findProgram('sqlite3') !== undefined,
);

export interface MlmdRigOptions extends Partial<Pick<ContainerDefinition, 'fileSizeLimit'>> {
  readonly programs: { readonly charm: readonly string[]; readonly workload: readonly string[] };
  /** Pipeline runs in the data; undefined makes no file. */
  readonly runs?: number | undefined;
  readonly patience?: number;
}

/**
 * A pod of mlmd with real files and processes, the real adapter to Kubernetes, and S3 in memory.
 */
export const openMlmdRig = async ({
  programs,
  runs,
  patience = 5,
  fileSizeLimit,
}: MlmdRigOptions) => {
  const folder = mkdtempSync(join(tmpdir(), 'mlmd-'));
  const [volume, scratch] = [join(folder, 'volume'), join(folder, 'scratch')];
  mkdirSync(volume);
  mkdirSync(scratch);
  const file = join(volume, 'mlmd.db');
  if (runs !== undefined) copyFileSync(template(runs), file);
  const server = await startKubernetes();
  const limit = fileSizeLimit === undefined ? {} : { fileSizeLimit };
  server.setPod('mlmd-0', {
    containers: {
      charm: {
        root: join(folder, 'charm'),
        mounts: { '/var/lib/juju/storage/mlmd-data/0': volume },
        programs: programs.charm,
        ...limit,
      },
      'mlmd-grpc-server': {
        root: join(folder, 'workload'),
        mounts: { '/data': volume },
        programs: programs.workload,
        ...limit,
      },
    },
  });
  const stop = new AbortController();
  const clock = new FastClock(1);
  const kubernetes = await openKubernetes({
    access: async () => server.access,
    namespace: 'kubeflow',
    signal: stop.signal,
    clock,
  });
  const store = new FakeObjectStore();
  const notes: string[] = [];
  const world: DumpWorld = {
    kubernetes,
    store,
    scratch,
    clock,
    signal: stop.signal,
    note: async (text) => {
      notes.push(text);
    },
    patience,
  };
  return {
    folder,
    file,
    server,
    store,
    stop,
    notes,
    world,
    dump: async (changes: Partial<DumpWorld> = {}) =>
      dumpMlmd({ ...world, ...changes }, { application: 'mlmd', key }),
    /** What is left in the places for temporary files, of the pod and of us. */
    leftovers: (): readonly string[] => [
      ...readdirSync(join(folder, 'charm', 'tmp')),
      ...readdirSync(join(folder, 'workload', 'tmp')),
      ...readdirSync(scratch),
      ...readdirSync(volume).filter((name) => !name.startsWith('mlmd.db')),
    ],
    /** Restores the dump by hand: with sqlite3 where there is one, or else with Python's. */
    restore: (): DatabaseSync => {
      const restored = join(folder, 'restored.db');
      restoreByHand(gunzipSync(store.objects.get(key)!.bytes), restored);
      return new DatabaseSync(restored);
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await kubernetes[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
};

const folderOfTemplates = mkdtempSync(join(tmpdir(), 'mlmd-templates-'));
process.once('exit', () => {
  rmSync(folderOfTemplates, { recursive: true, force: true });
});

const template = (runs: number): string => {
  const file = join(folderOfTemplates, `${runs}.db`);
  createMlmdData(file, { runs });
  return file;
};

export type MlmdRig = Awaited<ReturnType<typeof openMlmdRig>>;

export const restoreByHand = (sql: Buffer, file: string): void => {
  if (findProgram('sqlite3') !== undefined)
    execFileSync('sqlite3', ['-bail', file], { input: sql, stdio: 'pipe' });
  else
    execFileSync(
      findProgram('python3') ?? 'python3',
      [
        '-c',
        'import sqlite3, sys\nsqlite3.connect(sys.argv[1]).executescript(sys.stdin.buffer.read().decode())',
        file,
      ],
      { input: sql, stdio: 'pipe' },
    );
};

/** Starts somebody who writes to the database like ML Metadata's server, and waits until it has. */
export const startWriter = async (file: string, pause = 5): Promise<AsyncDisposable> => {
  const writer = spawn(
    process.execPath,
    [fileURLToPath(new URL('../sandbox/mlmd-writer.ts', import.meta.url)), file, String(pause)],
    { stdio: ['pipe', 'ignore', 'inherit'] },
  );
  const exited = once(writer, 'exit');
  const before = balance(file).artifacts;
  while (balance(file).artifacts < before + 3) await new Promise((next) => setTimeout(next, 20));
  return {
    [Symbol.asyncDispose]: async () => {
      writer.stdin.end();
      await exited;
    },
  };
};

/**
 * What mlmd-writer.ts keeps equal: as many artifacts as executions, and the difference of their
 * times.
 */
export const balance = (file: string | DatabaseSync) => {
  using database = typeof file === 'string' ? new DatabaseSync(file, { timeout: 5000 }) : undefined;
  const row = (database ?? (file as DatabaseSync))
    .prepare(
      `SELECT (SELECT count(*) FROM Artifact) AS artifacts, (SELECT count(*) FROM Execution) AS executions,
        (SELECT sum(last_update_time_since_epoch) FROM Execution) - (SELECT sum(last_update_time_since_epoch) FROM Artifact) AS lead`,
    )
    .get();
  return {
    artifacts: Number(row?.['artifacts']),
    executions: Number(row?.['executions']),
    lead: Number(row?.['lead']),
  };
};

/** The journal of a transaction that was cut off after it had spilled into the file. */
export const leaveHotJournal = (file: string): void => {
  const script =
    'import os, sqlite3, sys\n' +
    'c = sqlite3.connect(sys.argv[1], isolation_level=None)\n' +
    "c.execute('PRAGMA cache_size=5'); c.execute('BEGIN IMMEDIATE')\n" +
    "c.execute('UPDATE ArtifactProperty SET string_value = 1 WHERE artifact_id < 3000')\n" +
    'os._exit(0)';
  execFileSync(findProgram('python3') ?? 'python3', ['-c', script, file]);
  if (!existsSync(`${file}-journal`)) throw new Error('no journal was left');
};
