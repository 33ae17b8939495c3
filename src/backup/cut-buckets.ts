import { cutKeys } from '../components/buckets/shards/cut-keys.ts';
import { cutByList, isWorthSharing } from '../components/buckets/shards/cut-stored-list.ts';
import { rangesBetween, type Shard } from '../components/buckets/shards/shard.ts';
import type { SharedWork } from '../components/buckets/shards/shared-work.ts';
import type { BucketBackup } from '../repository/manifest.ts';
import type { Source } from '../world.ts';

/** A bucket to cut, with its part of the newest set, and the file of that set's list. */
export interface BucketToCut {
  readonly source: Source;
  readonly last: { readonly part: BucketBackup; readonly file: string } | undefined;
}

/**
 * Cuts buckets into shards: by the last list, whose lines are uploaded with each shard, or by the
 * keys that there are. Undefined when it would not be worth it, because everything fits into one,
 * or when `mayShare` says no.
 */
export const cutBuckets = async (
  work: SharedWork,
  buckets: readonly BucketToCut[],
  {
    mayShare,
    ...options
  }: {
    readonly scratch: string;
    readonly signal: AbortSignal;
    readonly mayShare: () => Promise<boolean>;
  },
): Promise<readonly Shard[] | undefined> => {
  const plans = [];
  for (const { source, last } of buckets)
    plans.push(
      last === undefined
        ? { source, bounds: await cutKeys(source.store) }
        : { source, last, isWhole: !isWorthSharing([last.part]) },
    );
  const isCut = plans.some((plan) => ('bounds' in plan ? plan.bounds.length > 0 : !plan.isWhole));
  if (!isCut || !(await mayShare())) return undefined;
  const shards: Shard[] = [];
  for (const plan of plans) {
    const { bucket } = plan.source;
    if ('bounds' in plan)
      shards.push(...rangesBetween(plan.bounds).map((range) => ({ bucket, range })));
    else shards.push(...(await cutByList(work, plan.last, { ...options, first: shards.length })));
  }
  return shards;
};
