import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cutKeys } from '../components/buckets/shards/cut-keys.ts';
import { cutterFor } from '../components/buckets/shards/cut-list.ts';
import { fewestInShard, rangesBetween, type Shard } from '../components/buckets/shards/shard.ts';
import type { BucketBackup } from '../repository/manifest.ts';
import { createObjectListWriter } from '../repository/object-list-writer.ts';
import { readListFile, uploadObjectList } from '../repository/object-list.ts';
import type { Source } from '../world.ts';
import type { Backup } from './begin-backup.ts';

/** A bucket to cut, with its part of the newest set, and the file of that set's list. */
export interface BucketToCut {
  readonly source: Source;
  readonly last: { readonly part: BucketBackup; readonly file: string } | undefined;
}

/**
 * Cuts buckets into shards: by the last list, whose lines are uploaded with each shard, or by the
 * keys that there are. Undefined when it would not be worth it, because everything fits into one.
 */
export const cutBuckets = async (
  backup: Backup,
  buckets: readonly BucketToCut[],
  signal: AbortSignal,
): Promise<readonly Shard[] | undefined> => {
  const plans = [];
  for (const { source, last } of buckets)
    plans.push(
      last === undefined
        ? { source, bounds: await cutKeys(source.store) }
        : { source, last, isWhole: last.part.objects < 2 * fewestInShard },
    );
  const isCut = plans.some((plan) => ('bounds' in plan ? plan.bounds.length > 0 : !plan.isWhole));
  if (!isCut) return undefined;
  const shards: Shard[] = [];
  for (const plan of plans) {
    const { bucket } = plan.source;
    if ('bounds' in plan)
      shards.push(...rangesBetween(plan.bounds).map((range) => ({ bucket, range })));
    else shards.push(...(await cutByList(backup, plan.last, { first: shards.length, signal })));
  }
  return shards;
};

const cutByList = async (
  { scratch, layout, id, ready }: Backup,
  { part, file }: NonNullable<BucketToCut['last']>,
  { first, signal }: { readonly first: number; readonly signal: AbortSignal },
): Promise<readonly Shard[]> => {
  const endsShard = cutterFor(part);
  const bounds: string[] = [];
  const lists: BucketBackup['list'][] = [];
  const piece = join(scratch, 'piece.ndjson.gz');
  let writer = createObjectListWriter(piece);
  const upload = async (): Promise<void> => {
    await writer.close();
    const key = layout.shardBefore(id, first + lists.length);
    const { size, sha256 } = await uploadObjectList(ready.target.store, key, piece);
    lists.push({ key, size, sha256 });
  };
  try {
    let lines = 0;
    for await (const object of readListFile(file, part.list.key)) {
      writer.add(object);
      lines += 1;
      if (lines % 1000 === 0) await writer.drained();
      if (!endsShard(object)) continue;
      signal.throwIfAborted();
      await upload();
      bounds.push(object.key);
      writer = createObjectListWriter(piece);
    }
    await upload();
  } finally {
    await writer[Symbol.asyncDispose]();
    await rm(piece, { force: true });
  }
  return rangesBetween(bounds).flatMap((range, index) => {
    const before = lists[index];
    return before === undefined ? [] : [{ bucket: part.bucket, range, before }];
  });
};
