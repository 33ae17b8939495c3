import { copyWorker } from '../components/buckets/shards/copy-shard.ts';
import { helpLeader } from '../components/buckets/shards/help.ts';
import { restoreWorker } from '../components/buckets/shards/restore-shard.ts';
import { type CopyThreads, openCopyThreads } from '../components/buckets/threads/copy-threads.ts';
import type { ShardTools } from '../components/buckets/shards/shard.ts';
import { targetAsOf } from '../repository/as-of.ts';
import { sizeText } from '../text.ts';
import { verifyWorker } from '../verify/verify-shard.ts';
import type { Source, Target, World } from '../world.ts';
import { type Action, backupIdParameter } from './action.ts';

/**
 * Helps the leader with a backup, a restore or a verification. The leader runs it on the other
 * units; it does nothing without the leader's token. Results: what this unit has done.
 */
export const work: Action = async (world, config, parameters) => {
  const id = backupIdParameter(world, 'set', parameters['set']);
  const [run, token] = [String(parameters['run']), String(parameters['token'])];
  const target = await world.openTarget();
  await using _store = target.store;
  const threadsFor = (
    { plan: { asOf } }: ShardTools,
    sources: readonly Source[],
    opened: AsyncDisposableStack,
  ): CopyThreads => {
    const buckets = sources.map(({ bucket }) => bucket);
    return opened.use(openCopyThreads(world, config, { buckets, asOf: timeOf(asOf) }));
  };
  const done = await helpLeader(
    world,
    config,
    { target, id, run, token },
    {
      copy: async (tools, opened) => {
        const sources = await openSources(world, tools, opened);
        const threads = threadsFor(tools, sources, opened);
        return copyWorker({ ...tools, sources, threads });
      },
      restore: async (tools, opened) => {
        const sources = await openSources(world, tools, opened);
        const stored = await storedSet(world, tools);
        const threads = threadsFor(tools, sources, opened);
        return restoreWorker({ ...tools, sources, stored, threads });
      },
      verify: async (tools, opened) => {
        const stored = await storedSet(world, tools);
        return verifyWorker({ ...tools, stored, threads: threadsFor(tools, [], opened) });
      },
    },
  );
  return done === undefined
    ? { result: 'the leader needs no help any more' }
    : { result: 'helped', objects: String(done.objects), size: sizeText(done.bytes) };
};

/** The buckets of MinIO that the shards name. */
const openSources = async (
  world: World,
  { plan: { shards } }: ShardTools,
  opened: AsyncDisposableStack,
): Promise<readonly Source[]> => {
  const sources: Source[] = [];
  for (const bucket of new Set(shards.map((shard) => shard.to ?? shard.bucket))) {
    const source = await world.openSource(bucket);
    opened.use(source.store);
    sources.push(source);
  }
  return sources;
};

const storedSet = (world: World, { target, plan: { asOf } }: ShardTools): Promise<Target> =>
  targetAsOf(world, target, timeOf(asOf));

const timeOf = (asOf: string | undefined): Date | undefined =>
  asOf === undefined ? undefined : new Date(asOf);
