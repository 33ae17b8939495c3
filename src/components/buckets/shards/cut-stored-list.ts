import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { downloadObjectList } from '../../../repository/checked-list.ts';
import type { BucketBackup } from '../../../repository/manifest.ts';
import { createObjectListWriter } from '../../../repository/object-list-writer.ts';
import { readListFile, uploadObjectList } from '../../../repository/object-list.ts';
import type { ObjectStore } from '../../../world.ts';
import { cutterFor, shardsFor } from './cut-list.ts';
import { rangesBetween, type Shard } from './shard.ts';
import { keysOf, type SharedWork } from './shared-work.ts';

interface ListCutting {
  readonly signal: AbortSignal;
  /** A directory for files. */
  readonly scratch: string;
  /** How many shards there are already. */
  readonly first: number;
}

/** Cuts a bucket by a list of it that lies in `file`. Each shard has its lines in S3. */
export const cutByList = async (
  work: SharedWork,
  { part, file }: { readonly part: BucketBackup; readonly file: string },
  { signal, scratch, first }: ListCutting,
): Promise<readonly Shard[]> => {
  const { store } = work.target;
  const endsShard = cutterFor(part);
  const bounds: string[] = [];
  const lists: BucketBackup['list'][] = [];
  const piece = join(scratch, 'piece.ndjson.gz');
  let writer = createObjectListWriter(piece);
  const upload = async (): Promise<void> => {
    await writer.close();
    const key = keysOf(work).before(first + lists.length);
    const { size, sha256 } = await uploadObjectList(store, key, piece);
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

/** Whether work on these buckets of a set is worth to be shared. */
export const isWorthSharing = (parts: readonly Pick<BucketBackup, 'objects' | 'size'>[]): boolean =>
  parts.some((part) => shardsFor(part) > 1);

/**
 * Cuts buckets of a set by their lists, which are read from `store`. Rejects with
 * `manifest-invalid` when a list is not the one that the set names.
 */
export const cutSet = async (
  work: SharedWork,
  store: ObjectStore,
  parts: readonly BucketBackup[],
  { signal, scratch }: Omit<ListCutting, 'first'>,
): Promise<readonly Shard[]> => {
  const file = join(scratch, 'whole.ndjson.gz');
  const shards: Shard[] = [];
  try {
    for (const part of parts) {
      await downloadObjectList(store, part.list, file);
      shards.push(
        ...(await cutByList(work, { part, file }, { signal, scratch, first: shards.length })),
      );
    }
  } finally {
    await rm(file, { force: true });
  }
  return shards;
};
