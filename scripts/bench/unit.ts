import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock as clock } from '../../src/adapters/clock.ts';
import { openS3 } from '../../src/adapters/s3/s3.ts';
import { createBandwidth } from '../../src/components/buckets/bandwidth.ts';
import { copyBucket } from '../../src/components/buckets/mirror-bucket.ts';
import { copyWorker } from '../../src/components/buckets/shards/copy-shard.ts';
import { cutKeys } from '../../src/components/buckets/shards/cut-keys.ts';
import { helpLeader } from '../../src/components/buckets/shards/help.ts';
import { isShardPass, joinLists, passOf } from '../../src/components/buckets/shards/join-copies.ts';
import { newWork, shareWork } from '../../src/components/buckets/shards/share-work.ts';
import { rangesBetween } from '../../src/components/buckets/shards/shard.ts';
import { startHeartbeat } from '../../src/operation/heartbeat.ts';
import { backupIdAt, isBackupId } from '../../src/repository/layout.ts';
import { takeLock } from '../../src/repository/lock.ts';

/** What bench/team.ts asks for: a unit that leads, that works alone, or that helps. */
export interface BenchUnit {
  readonly unit: number;
  readonly source: string;
  /** Where this unit reaches the target. */
  readonly target: string;
  readonly prefix: string;
  readonly transfers: number;
  readonly scratch: string;
  /** How many units there are; the leader's and one unit's alone. */
  readonly units: number;
  /** What the leader tells one that helps. */
  readonly help?: Readonly<Record<'set' | 'run' | 'token', string>>;
}

const job = JSON.parse(process.argv[2] ?? '') as BenchUnit;
const bucket = 'mlpipeline';
const scratch = join(job.scratch, `unit-${job.unit}`);
mkdirSync(scratch, { recursive: true });

const { signal } = new AbortController();
const note = async (text: string): Promise<void> => {
  console.error(`unit ${job.unit} after ${process.uptime().toFixed(1)} s: ${text}`);
};
const world = {
  ...{ clock, signal, scratch, application: 'ckf-backup', unit: `ckf-backup/${job.unit}` },
  ...{ host: `node-${job.unit}`, model: { name: 'kubeflow', uuid: 'uuid' } },
  progress: { note, step: note },
};
const open = (endpoint: string, name: string) =>
  openS3({
    ...{ endpoint, bucket: name, region: undefined, style: 'path', clock, signal },
    ...{ accessKey: 'testkey', secretKey: 'testsecret' },
  });

await using from = open(job.source, bucket);
await using to = open(job.target, 'backups');
const source = { store: from, bucket, endpoint: job.source };
const target = {
  ...{ store: to, bucket: 'backups', endpoint: job.target, prefix: job.prefix },
  application: 'ckf-backup',
};
const { transfers } = job;
const list = join(scratch, 'list.ndjson.gz');

const alone = () =>
  copyBucket(source, target, {
    ...{ mirror: `${job.prefix}/${bucket}/`, history: `${job.prefix}/history/${bucket}/` },
    ...{ baseline: undefined, list, archive: false, keepsTags: true, confirmListed: false },
    ...{ previousCount: undefined, allowShrink: true, transfers },
    ...{ bandwidth: createBandwidth([], clock), clock, signal },
  });

const lead = async () => {
  await using lock = await takeLock(target, world);
  await using heartbeat = startHeartbeat(world);
  const bandwidth = createBandwidth([], clock);
  const juju = {
    // The one that started us starts the others, as Juju would.
    enqueue: async (unit: string, _: string, words: Readonly<Record<string, unknown>>) => {
      process.send?.({ unit, words });
      return unit;
    },
    status: async () => ({ name: 'kubeflow', applications: new Map() }),
    tasks: async () => [],
  };
  const otherUnits = Array.from({ length: job.units - 1 }, (_, index) => `ckf-backup/${index + 1}`);
  const started = performance.now();
  return await shareWork(
    { world, juju, otherUnits, heartbeat, terminating: signal, lead: lock },
    newWork(target, backupIdAt(clock.now())),
    {
      cut: async () => rangesBetween(await cutKeys(from)).map((range) => ({ bucket, range })),
      plan: { kind: 'copy', archive: false, keepsTags: true },
      worker: (plan) =>
        copyWorker({
          ...{ target, sources: [source], plan, transfers, bandwidth, clock, signal, scratch },
        }),
      isResult: isShardPass,
      share: ({ listed, bytes }) => ({ objects: listed, bytes }),
      done: 'copied ahead',
      ...{ bandwidth, signal },
      assertOurs: () => lock.assertHeld(),
      stillOurs: () => lock.assertHeld(),
    },
    async (all) => {
      await joinLists(to, all, list);
      return { ...passOf(all), seconds: (performance.now() - started) / 1000 };
    },
  );
};

if (job.help === undefined) {
  const pass = await (job.units === 1 ? alone() : lead());
  console.log(JSON.stringify(pass));
} else {
  const { set, run, token } = job.help;
  if (!isBackupId(set)) throw new Error('no set');
  await helpLeader(
    world,
    { bandwidthLimit: [], transfers },
    { target, id: set, run, token },
    {
      copy: async (tools) => copyWorker({ ...tools, sources: [source] }),
      restore: () => Promise.reject(new Error('not measured')),
      verify: () => Promise.reject(new Error('not measured')),
    },
  );
}
process.disconnect();
