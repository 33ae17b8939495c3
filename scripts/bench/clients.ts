import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'esbuild';
import type { BenchCopy } from './copy.ts';
import { aptInstall } from './servers.ts';

/** What a run of a client cost. */
export interface Measured {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakRss: number;
  readonly stdout: string;
}

/** A place that a client copies to or from. */
export interface Place {
  readonly endpoint: string;
  readonly bucket: string;
}

/** A client that brings `prefix`/mlpipeline in the target up to date with the bucket. */
export interface Client {
  readonly name: string;
  copy(from: Place, to: Place, prefix: string): Promise<Measured>;
}

export const guideFlags = ['--size-only'];
const manyAtOnce = [
  '--transfers=64',
  '--checkers=64',
  '--fast-list',
  '--s3-no-head',
  '--s3-no-check-bucket',
];
export const tunedFlags = ['--size-only', ...manyAtOnce];
/** With these rclone leaves out least. */
export const carefulFlags = ['--checksum', '--metadata', ...manyAtOnce];

/** A program of this folder, bundled and to be started as the charm is. */
export interface BundledProgram {
  readonly file: string;
  /** Node's flags: the charm's limits, and those that are tried. */
  readonly flags: readonly string[];
  /** With the compile cache. */
  readonly environment: Readonly<Record<string, string>>;
}

export const bundled = async (scratch: string, name: string): Promise<BundledProgram> => {
  const bundle = join(scratch, `bench-${name}`);
  await build({
    entryPoints: {
      [name]: join(import.meta.dirname, `${name}.ts`),
      'copy-thread': join(import.meta.dirname, '..', '..', 'src', 'wiring', 'copy-thread.ts'),
    },
    outdir: bundle,
    bundle: true,
    splitting: true,
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    platform: 'node',
    target: 'node24',
    logLevel: 'warning',
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
  });
  // The charm's own, of the line of its dispatch that starts it.
  const dispatch = readFileSync(join(import.meta.dirname, '..', '..', 'dispatch'), 'utf8');
  const start = dispatch.split('\n').find((line) => line.startsWith('exec ')) ?? '';
  const limits = start.match(/--\S+/g) ?? [];
  return {
    file: join(bundle, `${name}.mjs`),
    flags: [...limits, ...(process.env['BENCH_NODE_FLAGS'] ?? '').split(' ').filter(Boolean)],
    environment: { NODE_COMPILE_CACHE: join(bundle, 'cache') },
  };
};

/**
 * Our engine, with so many processes; a later copy to the same prefix has the first one's list.
 */
export const ourClient = async (
  scratch: string,
  transfers: number,
  copyProcesses = 1,
): Promise<Client> => {
  const { file, flags, environment } = await bundled(scratch, 'copy');
  const lists = join(scratch, 'lists');
  mkdirSync(lists, { recursive: true });
  return {
    name: copyProcesses === 1 ? 'ours' : `ours-${copyProcesses}`,
    copy: (from, to, prefix) => {
      const list = join(lists, prefix);
      const job: BenchCopy = {
        from,
        to,
        prefix,
        list,
        ...{ transfers, copyProcesses },
        ...(existsSync(list) && { baseline: list }),
      };
      return measured([process.execPath, ...flags, file, JSON.stringify(job)], environment);
    },
  };
};

/** Debian's rclone, or another one. */
export const rclone = (name: string, flags: readonly string[], program = 'rclone'): Client => ({
  name,
  copy: (from, to, prefix) =>
    measured(
      [program, 'sync', ...flags, `src:${from.bucket}`, `dst:${to.bucket}/${prefix}/mlpipeline`],
      { ...remote('SRC', from), ...remote('DST', to), RCLONE_CONFIG: '/dev/null' },
    ),
});

export const installRclone = (): void => {
  if (!existsSync('/usr/bin/rclone')) aptInstall('rclone');
};

const remote = (name: string, { endpoint }: Place): Record<string, string> => ({
  [`RCLONE_CONFIG_${name}_TYPE`]: 's3',
  [`RCLONE_CONFIG_${name}_PROVIDER`]: 'Minio',
  [`RCLONE_CONFIG_${name}_ENDPOINT`]: endpoint,
  [`RCLONE_CONFIG_${name}_ACCESS_KEY_ID`]: 'testkey',
  [`RCLONE_CONFIG_${name}_SECRET_ACCESS_KEY`]: 'testsecret',
});

/**
 * Runs a command and prints what it cost as the last line: only its own parent is told the CPU time
 * and memory of a process.
 */
const measure = `
import json, os, sys, time
start = time.monotonic()
process = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(process, 0)
print()
print(json.dumps([time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, os.waitstatus_to_exitcode(status)]))
`;

/** Runs a command to its end; rejects when it fails. */
export const measured = async (
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Measured> => {
  // An authority of the machine's own would make Debian's rclone refuse plain HTTP endpoints too.
  const inherited = { ...process.env };
  delete inherited['AWS_CA_BUNDLE'];
  const child = spawn('python3', ['-c', measure, ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...inherited, ...environment },
  });
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  const lines = output.trimEnd().split('\n');
  const [seconds, cpuSeconds, peakRss, status] = JSON.parse(lines.pop() ?? '') as number[];
  if (status !== 0 || seconds === undefined || cpuSeconds === undefined || peakRss === undefined)
    throw new Error(`${command[0] ?? ''} failed with ${status ?? '?'}`);
  return { seconds, cpuSeconds, peakRss, stdout: lines.join('\n').trim() };
};
