import { join } from 'node:path';
import type { Bandwidth } from '../components/buckets/bandwidth.ts';
import { type BringBack, notBroughtBack } from '../components/buckets/bring-back.ts';
import { cutSet, isWorthSharing } from '../components/buckets/shards/cut-stored-list.ts';
import { joinLists } from '../components/buckets/shards/join-copies.ts';
import {
  isShardRestored,
  joinRestored,
  restoreWorker,
} from '../components/buckets/shards/restore-shard.ts';
import { newWork, shareWork } from '../components/buckets/shards/share-work.ts';
import type { CopyThreads } from '../components/buckets/threads/copy-threads.ts';
import { isBackupId } from '../repository/layout.ts';
import type { Restore } from './begin-restore.ts';

/**
 * Brings back the objects of all buckets together with the other units of this application.
 * Undefined when there is no other unit, or too little to do; then nothing was done. Rejects as
 * `bringBack` does, and names all objects that are lost. See `shareWork` for how it ends.
 */
export const bringBackByAllUnits = async (
  restore: Restore,
  { bandwidth, threads }: { readonly bandwidth: Bandwidth; readonly threads: CopyThreads },
): Promise<ReadonlyMap<string, BringBack> | undefined> => {
  const { ready, world, request, lock, config, scratch, heartbeat, terminating } = restore;
  const { otherUnits, target, stored, sources, juju } = ready;
  const { clock, signal } = world;
  const parts = sources.map(({ backup }) => backup);
  if (otherUnits.length === 0 || lock === undefined || !isWorthSharing(parts)) return undefined;
  if (!isBackupId(request.backupId)) throw new TypeError('the preflight looks at the id');
  const goals = new Map(sources.map(({ bucket, backup }) => [backup.bucket, bucket]));
  const { transfers } = config;
  return shareWork(
    { world, juju, otherUnits, heartbeat, terminating, lead: lock },
    newWork(target, request.backupId),
    {
      cut: async (work, mayShare) => {
        if (!(await mayShare())) return undefined;
        const shards = await cutSet(work, stored.store, parts, { scratch, signal });
        return shards.map((shard) => {
          const to = goals.get(shard.bucket);
          return to === undefined || to === shard.bucket ? shard : { ...shard, to };
        });
      },
      plan: { kind: 'restore', ...(request.asOf && { asOf: request.asOf.toISOString() }) },
      worker: (plan) =>
        restoreWorker({
          ...{ target, stored, sources, plan, transfers, threads },
          ...{ bandwidth, clock, signal, scratch },
        }),
      isResult: isShardRestored,
      share: ({ objects, size }) => ({ objects, bytes: size }),
      done: 'brought back',
      ...{ bandwidth, signal },
      assertOurs: () => restore.assertOurs(),
      stillOurs: () => restore.stillOurs(),
    },
    async (all, { shards }) => {
      const broughtBack = new Map<string, BringBack>();
      for (const source of sources) {
        const own = all.filter(({ shard }) => shards[shard]?.bucket === source.backup.bucket);
        const file = join(scratch, `${source.bucket}.exceptions.ndjson.gz`);
        await joinLists(target.store, own, file);
        const done = joinRestored(own, file);
        if (done.lost.count > 0 && !request.allowDamaged) throw notBroughtBack(source, done.lost);
        broughtBack.set(source.bucket, done);
      }
      return broughtBack;
    },
  );
};
