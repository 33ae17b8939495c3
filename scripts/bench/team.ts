import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { bundled, type BundledProgram } from './clients.ts';
import { startHelper } from './servers.ts';
import type { BenchUnit } from './unit.ts';

/** How a bucket is copied by units, each with a connection of its own to the target. */
export interface TeamBench {
  readonly source: string;
  /** The port of the target. */
  readonly port: string;
  /** One way, in ms. */
  readonly delay: number;
  /** Bytes a second of each unit's connection. */
  readonly rate: number;
  readonly transfers: number;
  readonly scratch: string;
}

/** The units' program. */
export const unitProgram = (scratch: string): Promise<BundledProgram> => bundled(scratch, 'unit');

/**
 * Copies a bucket once by so many units, each a process of its own, and says how many seconds that
 * took, from the start of the first process to its end, and how many objects are in the list.
 */
export const copyByUnits = async (
  program: BundledProgram,
  bench: TeamBench,
  { units, prefix }: { readonly units: number; readonly prefix: string },
): Promise<{ readonly seconds: number; readonly objects: number }> => {
  await using connections = new AsyncDisposableStack();
  const links: string[] = [];
  for (let unit = 0; unit < units; unit += 1) {
    const { port, delay, rate } = bench;
    const link = await startHelper('proxy.ts', port, String(delay), String(rate));
    connections.use(link);
    links.push(link.url);
  }
  const helpers: Promise<unknown>[] = [];
  const start = (unit: number, help?: BenchUnit['help']): ChildProcess => {
    const { source, transfers, scratch } = bench;
    const job: BenchUnit = {
      ...{ unit, source, target: links[unit] ?? '', prefix, transfers, scratch, units },
      ...(help && { help }),
    };
    return fork(program.file, [JSON.stringify(job)], {
      execArgv: [...program.flags],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      env: { ...process.env, ...program.environment },
    });
  };
  const began = performance.now();
  const leader = start(0);
  leader.on('message', (message) => {
    const { unit, words } = message as { unit: string; words: NonNullable<BenchUnit['help']> };
    helpers.push(once(start(Number(unit.split('/')[1]), words), 'exit'));
  });
  if (leader.stdout === null) throw new TypeError('the leader has no output');
  const [output, [status]] = await Promise.all([
    text(leader.stdout),
    once(leader, 'exit') as Promise<[number | null]>,
  ]);
  const seconds = (performance.now() - began) / 1000;
  if (status !== 0) throw new Error(`the leader failed with ${String(status)}`);
  await Promise.all(helpers);
  const { listed } = JSON.parse(output) as { listed: number };
  return { seconds, objects: listed };
};
