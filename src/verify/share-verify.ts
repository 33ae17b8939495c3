import { createBandwidth } from '../components/buckets/bandwidth.ts';
import { cutSet, isWorthSharing } from '../components/buckets/shards/cut-stored-list.ts';
import type { ShardDone } from '../components/buckets/shards/shard.ts';
import { newWork, shareWork } from '../components/buckets/shards/share-work.ts';
import { keysOf } from '../components/buckets/shards/shared-work.ts';
import { CharmError, hasCode, orProblem } from '../errors.ts';
import { otherUnitsOf } from '../operation/applications.ts';
import type { Heartbeat } from '../operation/heartbeat.ts';
import { nowAndThen } from '../operation/now-and-then.ts';
import { takeLead } from '../repository/lead.ts';
import type { BackupId } from '../repository/layout.ts';
import type { BucketBackup } from '../repository/manifest.ts';
import type { Target, World } from '../world.ts';
import { settleDoubts } from './content.ts';
import type { DamageLog, VerifyWork } from './verification.ts';
import { isShardVerified, type ShardVerified, verifyWorker } from './verify-shard.ts';

interface SharedVerification {
  readonly id: BackupId;
  readonly buckets: readonly BucketBackup[];
  /** Where units can write what they tell each other. */
  readonly present: Target;
  /** Where the set is read. */
  readonly stored: Target;
  readonly asOf: Date | undefined;
  readonly thaw: boolean;
  readonly transfers: number;
  readonly work: VerifyWork;
  readonly damages: DamageLog;
  readonly heartbeat: Heartbeat;
}

/**
 * Reads the objects of buckets together with the other units of this application, and adds what was
 * found to `work` and `damages`. Resolves with whether it did. It does not when there is no other
 * unit or too little to do, when Juju or S3 does not let it, or when a list is damaged, which one
 * unit alone reports. It takes no lock, because nothing is changed: see `ShardLayout.units`.
 */
export const verifyByAllUnits = async (
  world: World,
  shared: SharedVerification,
): Promise<boolean> => {
  const { id, buckets, present: target, stored, asOf, thaw, transfers, work, heartbeat } = shared;
  if (!work.deep || !isWorthSharing(buckets)) return false;
  const juju = await orProblem(() => world.openJuju());
  if (juju instanceof CharmError) return false;
  await using _session = juju;
  const model = await orProblem(() => juju.status());
  if (model instanceof CharmError) return false;
  const otherUnits = otherUnitsOf(world, model.applications.get(world.application));
  if (otherUnits.length === 0) return false;
  const { clock, signal, scratch } = world;
  const bandwidth = createBandwidth([], clock);
  const together = newWork(target, id);
  const lead = await orProblem(() => takeLead(target, world, keysOf(together).units));
  if (lead instanceof CharmError) {
    await world.progress.note(`This unit verifies alone. ${lead.message} [${lead.code}]`);
    return false;
  }
  await using _lead = lead;
  try {
    const merged = await shareWork(
      { world, juju, otherUnits, heartbeat, terminating: signal, lead },
      together,
      {
        cut: async (own, mayShare) =>
          (await mayShare()) ? cutSet(own, stored.store, buckets, { scratch, signal }) : undefined,
        plan: { kind: 'verify', thaw, ...(asOf && { asOf: asOf.toISOString() }) },
        worker: (plan) =>
          verifyWorker({
            ...{ target, stored, plan, transfers, bandwidth, clock, signal, scratch },
            ...(work.threads && { threads: work.threads }),
          }),
        isResult: isShardVerified,
        share: ({ objects, bytes }) => ({ objects, bytes }),
        done: 'read',
        ...{ bandwidth, signal },
        assertOurs: () => lead.assertHeld(),
        stillOurs: nowAndThen(clock, () => lead.assertHeld()),
      },
      async (all, { shards }) => {
        for (const { bucket } of buckets)
          await merge(
            shared,
            all.filter(({ shard }) => shards[shard]?.bucket === bucket),
          );
        return true;
      },
    );
    return merged === true;
  } catch (error) {
    if (hasCode(error, 'manifest-invalid')) return false;
    throw error;
  }
};

/** Adds what was found in the shards of one bucket. */
const merge = async (
  { work, damages }: SharedVerification,
  all: readonly ShardDone<ShardVerified>[],
): Promise<void> => {
  for (const { result } of all) {
    const { objects, bytes, proven, unproven, archive } = result;
    work.count({ objects, bytes, proven, unproven });
    work.archive.add(archive);
    await damages.add(result.damages);
  }
  const doubts = all.map(({ result }) => result.doubts);
  work.count({ unproven: await settleDoubts(damages, doubts) });
};
