import { randomUUID } from 'node:crypto';
import type { BucketPass } from '../components/buckets/mirror-bucket.ts';
import { createBandwidth } from '../components/buckets/bandwidth.ts';
import { shardCopier } from '../components/buckets/shards/copy-shard.ts';
import { joinLists, passOf } from '../components/buckets/shards/join-copies.ts';
import type { ShardCopy, SharePlan } from '../components/buckets/shards/shard.ts';
import {
  readCopies,
  removeShared,
  type SharedWork,
  writePlan,
} from '../components/buckets/shards/shared-work.ts';
import { takeShards } from '../components/buckets/shards/take-shards.ts';
import { shrunkProblem } from '../components/buckets/shrunk.ts';
import { orProblem } from '../errors.ts';
import type { BucketBackup } from '../repository/manifest.ts';
import { aliveOf } from '../repository/lock-helper.ts';
import { countText, sizeText, sum } from '../text.ts';
import type { Backup } from './begin-backup.ts';
import { type BucketToCut, cutBuckets } from './cut-buckets.ts';
import { endTeam, inviteTeam, type Team, watchTeam } from './team.ts';

/** What a shared copy needs besides the backup. */
interface Sharing {
  readonly buckets: readonly BucketToCut[];
  readonly archive: boolean;
  /** For each bucket, its part of the newest set that has it. */
  readonly before: ReadonlyMap<string, BucketBackup>;
  /** The file for the list of a bucket. */
  readonly listFile: (bucket: string) => string;
  readonly signal: AbortSignal;
}

/**
 * Copies the buckets together with the other units of this application, and writes the list of
 * each. Undefined when there is no other unit, or too little to do; then nothing was done. Rejects
 * as `copyBucket` does. No other unit writes any more when it ends, unless this process is asked to
 * stop: then their claims keep the next operation from the path until they have ended.
 */
export const copyByAllUnits = async (
  backup: Backup,
  { buckets, archive, before, listFile, signal }: Sharing,
): Promise<ReadonlyMap<string, BucketPass> | undefined> => {
  const { ready, world, request, lock } = backup;
  const { otherUnits, target } = ready;
  if (otherUnits.length === 0 || lock === undefined) return undefined;
  const started = world.clock.now().getTime();
  const work: SharedWork = { target, id: backup.id, token: randomUUID() };
  const team: Team = { backup, work, lock, tasks: new Map(), isOpen: false };
  try {
    const shards = await cutBuckets(backup, buckets, signal);
    if (shards === undefined) return undefined;
    const plan: SharePlan = {
      ...{ format: 1, lock: lock.nonce, units: otherUnits.length + 1, shards },
      ...{ archive, keepsTags: ready.server.tags === 'kept' },
    };
    await backup.assertOurs();
    team.isOpen = true;
    await writePlan(work, plan);
    await inviteTeam(team, otherUnits);
    await takePart(team, plan, signal);
    await endTeam(team);
    const copies = await readCopies(work, plan);
    await world.progress.note(sharesText(copies));
    const passes = new Map<string, BucketPass>();
    for (const { source } of buckets) {
      const { bucket } = source;
      const own = copies.filter(({ shard }) => shards[shard]?.bucket === bucket);
      const pass = passOf(own, (world.clock.now().getTime() - started) / 1000);
      const shrunk = shrunkProblem(source, pass.listed, before.get(bucket)?.objects);
      if (shrunk !== undefined && !request.allowShrink) throw shrunk;
      await joinLists(target.store, own, listFile(bucket));
      passes.set(bucket, pass);
    }
    return passes;
  } finally {
    await orProblem(() => endTeam(team));
    await orProblem(() => removeShared(work));
  }
};

/** The leader's own part: shards, as the others take them. */
const takePart = async (team: Team, plan: SharePlan, signal: AbortSignal): Promise<void> => {
  const { backup, work, lock } = team;
  const { world, config, ready, scratch, heartbeat } = backup;
  const { clock, unit } = world;
  const bandwidth = createBandwidth(config.bandwidthLimit, clock);
  bandwidth.shareAmong(plan.units);
  const copier = shardCopier({
    ...{ target: ready.target, sources: ready.sources, plan, clock, signal, scratch },
    ...{ transfers: config.transfers, bandwidth },
  });
  await using watch = watchTeam(team, { plan, bandwidth, own: copier.progress });
  await heartbeat.during(watch.describe, () =>
    takeShards({
      ...{ work, plan, unit, clock, signal, nonce: lock.nonce, copy: copier.copy },
      assertWanted: () => backup.stillOurs(),
      alive: async () => new Set([lock.nonce, ...aliveOf(await lock.helpers())]),
    }),
  );
};

/** `copied by 2 units: ckf-backup/0 120 objects (1.5 MiB, 3 shards), ckf-backup/1 …`. */
const sharesText = (copies: readonly ShardCopy[]): string => {
  const units = [...Map.groupBy(copies, ({ unit }) => unit)].toSorted(([one], [other]) =>
    one.localeCompare(other, 'en', { numeric: true }),
  );
  const shares = units.map(([unit, its]) => {
    const [objects, bytes] = [sum(its.map(listedIn)), sum(its.map(({ pass }) => pass.bytes))];
    return `${unit} ${countText(objects, 'object')} (${sizeText(bytes)}, ${countText(its.length, 'shard')})`;
  });
  return `copied ahead by ${countText(units.length, 'unit')}: ${shares.join(', ')}`;
};

const listedIn = ({ pass }: ShardCopy): number => pass.listed;
