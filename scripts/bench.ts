import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../src/adapters/clock.ts';
import { openS3 } from '../src/adapters/s3/s3.ts';
import type { ObjectStore } from '../src/world.ts';
import { createBucket } from '../tests/servers/s3/radosgw.ts';
import {
  guideFlags,
  installRclone,
  ourClient,
  rclone,
  tunedFlags,
  type Client,
  type Place,
} from './bench/clients.ts';
import { installPeers } from './bench/peers.ts';
import { writeMadeUpList } from './bench/made-up.ts';
import { tableOf, type Run } from './bench/report.ts';
import { startHelper, startServer, type BenchServer, type ServerKind } from './bench/servers.ts';
import { tableOfTruth } from './bench/truth.ts';
import { copyByUnits, unitProgram } from './bench/team.ts';
import { benchVolumes } from './bench/volumes.ts';
import { rewrite, seed, workloads, type Workload } from './bench/workloads.ts';

/*
 * npm run bench -- [--servers box|radosgw] [--full] [--pairs N] [--workloads a,b]
 *   [--transfers N] [--keys N] [--json FILE]
 *   [--clients ours,ours-2,ours-4,guide,tuned,rclone,careful,juicefs]
 * npm run bench -- --truth [--servers box|radosgw]
 * npm run bench -- --volumes [--files N] [--bytes N] [--pairs N] [--full] [--rate N]
 * npm run bench -- --units 4 [--rate 20] [--pairs N] [--transfers N] [--full]
 *
 * Copies between the same two servers with the charm's engine and with Debian's rclone, in turn,
 * and prints what each cost. Only the ratios inside one run of this program mean anything. With
 * --truth it says what each of them brings over and what it leaves out. With --units it compares
 * one unit with several that share the copy, each with a connection of so many MiB/s to the target
 * and 30 ms there and back. With --volumes it compares sessions of users' volumes on the box with
 * restic alone, and in parallel with one after the other, with --rate over such a connection for
 * each repository.
 */
const { values } = parseArgs({
  options: {
    servers: { type: 'string', default: 'box' },
    full: { type: 'boolean', default: false },
    pairs: { type: 'string' },
    workloads: { type: 'string' },
    transfers: { type: 'string', default: '64' },
    clients: { type: 'string' },
    truth: { type: 'boolean', default: false },
    units: { type: 'string' },
    keys: { type: 'string' },
    rate: { type: 'string' },
    volumes: { type: 'boolean', default: false },
    files: { type: 'string' },
    bytes: { type: 'string', default: '20000' },
    json: { type: 'string' },
  },
});
const kind: ServerKind = values.servers === 'radosgw' ? 'radosgw' : 'box';
const pairs = Number(values.pairs ?? (values.full ? 5 : 3));
const bucket = 'mlpipeline';
const tools = join(import.meta.dirname, '..', '.tools', 'bench');
const scratch = mkdtempSync(join(tmpdir(), 'bench-'));

const open = (url: string, name: string): ObjectStore =>
  openS3({
    endpoint: url,
    bucket: name,
    region: undefined,
    accessKey: 'testkey',
    secretKey: 'testsecret',
    style: 'path',
    clock: systemClock,
  });

interface BenchServers {
  readonly source: BenchServer;
  readonly target: BenchServer;
  /** Where the clients reach the target. */
  readonly targetUrl: string;
}

const fresh = async (server: BenchServer, name: string): Promise<void> => {
  await server.reset();
  await createBucket(server.url, name);
};

const measureOn = async (
  { name, sizes, changed, madeUp }: Workload,
  clients: readonly Client[],
  { source, target, targetUrl }: BenchServers,
): Promise<Run[]> => {
  const runs: Run[] = [];
  const from: Place = { endpoint: source.url, bucket };
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const objects = madeUp ?? sizes.length;
  const store = open(source.url, bucket);
  if (changed !== undefined && madeUp === undefined)
    for (const client of clients)
      await client.copy(from, { endpoint: target.url, bucket: 'backups' }, client.name);
  if (madeUp !== undefined)
    for (const client of clients)
      await writeMadeUpList(join(scratch, 'lists', client.name), madeUp);
  for (let pair = 0; pair < pairs; pair += 1) {
    const moved = changed ? await rewrite(store, sizes, changed, pair) : objects;
    const inTurn = clients.map((_, index) => clients[(index + pair) % clients.length]);
    for (const client of inTurn) {
      if (!client) continue;
      // What a server keeps in memory is limited.
      if (changed === undefined && (bytes > 2 ** 28 || pair === 0)) await fresh(target, 'backups');
      const to: Place = { endpoint: targetUrl, bucket: 'backups' };
      await source.requests();
      await target.requests();
      const prefix = changed === undefined ? `${client.name}-${pair}` : client.name;
      const measured = await client.copy(from, to, prefix);
      const asked = [await source.requests(), await target.requests()];
      runs.push({
        workload: name,
        client: client.name,
        pair,
        objects,
        moved,
        bytes,
        ...measured,
        asked,
      });
      console.error(`${name} ${client.name} ${measured.seconds.toFixed(2)} s ${measured.stdout}`);
    }
  }
  await store[Symbol.asyncDispose]();
  return runs;
};

const run = async (workload: Workload, clients: readonly Client[]): Promise<Run[]> => {
  if (workload.madeUp !== undefined) {
    await using listing = await startHelper('listing.ts', String(workload.madeUp));
    // rclone did not come to an end within six minutes for 300,000 keys in as many directories.
    const alone = clients.filter(({ name }) => name === 'ours');
    return await measureOn(workload, alone, {
      source: listing,
      target: listing,
      targetUrl: listing.url,
    });
  }
  await using source = await startServer(kind, 'source', scratch);
  await using target = await startServer(kind, 'target', scratch);
  await createBucket(source.url, bucket);
  await createBucket(target.url, 'backups');
  console.error(`${workload.name}: writing ${workload.sizes.length} objects`);
  await using store = open(source.url, bucket);
  await seed(store, workload.sizes);
  if (workload.delay === undefined)
    return await measureOn(workload, clients, {
      source,
      target,
      targetUrl: target.url,
    });
  await using far = await startHelper('proxy.ts', new URL(target.url).port, String(workload.delay));
  return await measureOn(workload, clients, { source, target, targetUrl: far.url });
};

const truth = async (clients: readonly Client[]): Promise<string> => {
  // Both are servers of today: an old MinIO cannot hold all that is tried.
  await using source = await startServer(kind, 'target', join(scratch, 'from'));
  await using target = await startServer(kind, 'target', join(scratch, 'to'));
  await createBucket(source.url, bucket);
  await createBucket(target.url, 'backups');
  await using from = open(source.url, bucket);
  await using to = open(target.url, 'backups');
  return await tableOfTruth(
    { store: from, place: { endpoint: source.url, bucket } },
    { store: to, place: { endpoint: target.url, bucket: 'backups' } },
    clients,
  );
};

/** One unit and several in turns; each copies the whole bucket to a new prefix. */
const teams = async (units: number): Promise<string> => {
  await using source = await startServer(kind, 'source', scratch);
  await using target = await startServer(kind, 'target', scratch);
  await createBucket(source.url, bucket);
  await using store = open(source.url, bucket);
  const sizes = new Array<number>(values.full ? 4000 : 1000).fill(2 ** 18);
  await seed(store, sizes);
  const program = await unitProgram(scratch);
  const bench = {
    ...{ source: source.url, port: new URL(target.url).port, delay: 15, scratch },
    ...{ rate: Number(values.rate ?? 20) * 2 ** 20, transfers: Number(values.transfers) },
  };
  const lines = ['pair  one unit  together  times'];
  const ratios: number[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    const took = new Map<number, number>();
    for (const count of pair % 2 === 0 ? [1, units] : [units, 1]) {
      await fresh(target, 'backups');
      const { seconds, objects } = await copyByUnits(program, bench, {
        ...{ units: count, prefix: `by-${count}-${pair}` },
      });
      if (objects !== sizes.length) throw new Error(`${objects} of ${sizes.length} objects`);
      took.set(count, seconds);
    }
    const [one = NaN, together = NaN] = [took.get(1), took.get(units)];
    ratios.push(one / together);
    lines.push(
      `${pair + 1}     ${one.toFixed(1)} s    ${together.toFixed(1)} s    ${(one / together).toFixed(2)}`,
    );
  }
  ratios.sort((a, b) => a - b);
  lines.push(`median of the ratios: ${(ratios[ratios.length >> 1] ?? NaN).toFixed(2)}`);
  return lines.join('\n');
};

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    rmSync(scratch, { recursive: true, force: true });
    process.exit(1);
  });

const compare = async (): Promise<void> => {
  installRclone();
  const own = [
    await ourClient(scratch, Number(values.transfers)),
    await ourClient(scratch, Number(values.transfers), 2),
    await ourClient(scratch, Number(values.transfers), 4),
    rclone('guide', guideFlags),
    rclone('tuned', tunedFlags),
  ];
  const wanted = (
    values.clients ?? (values.truth ? 'ours,guide,rclone,careful,juicefs' : 'ours,guide,tuned')
  ).split(',');
  const peers = wanted.some((name) => !own.some((client) => client.name === name));
  const all = [...own, ...(peers ? installPeers(tools) : [])];
  const clients = all.filter(({ name }) => wanted.includes(name));
  if (values.truth) {
    console.log(await truth(clients));
  } else {
    const runs: Run[] = [];
    const keys = values.keys === undefined ? undefined : Number(values.keys);
    for (const workload of workloads(values.full, keys))
      if (values.workloads?.split(',').includes(workload.name) ?? true)
        runs.push(...(await run(workload, clients)));
    console.log(
      `servers: ${kind}, ${values.full ? 'full' : 'small'} workloads, medians of ${pairs}`,
    );
    console.log(tableOf(runs));
    if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(runs, undefined, 1));
  }
};

try {
  if (values.volumes)
    console.log(
      await benchVolumes({
        ...{ scratch, pairs, bytes: Number(values.bytes) },
        rate: values.rate === undefined ? undefined : Number(values.rate) * 2 ** 20,
        files: Number(values.files ?? (values.full ? 10_000 : 500)),
      }),
    );
  else if (values.units === undefined) await compare();
  else console.log(await teams(Number(values.units)));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
