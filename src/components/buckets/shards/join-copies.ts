import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { Ajv, type JSONSchemaType } from 'ajv';
import { downloadObjectList } from '../../../repository/checked-list.ts';
import { unwritable } from '../../../repository/object-list-writer.ts';
import { sum } from '../../../text.ts';
import type { ObjectStore } from '../../../world.ts';
import type { BucketPass } from '../mirror-bucket.ts';
import type { ShardDone } from './shard.ts';

/** The numbers of a pass over a shard: see `BucketPass`. */
export interface ShardPass {
  readonly listed: number;
  readonly bytes: number;
  readonly copied: number;
  readonly bytesCopied: number;
  readonly archived: number;
  readonly vanished: number;
  readonly tagsListed: number;
  readonly tagsUnreadable: number;
}

const count = { type: 'integer', minimum: 0 } as const;

const passSchema: JSONSchemaType<ShardPass> = {
  type: 'object',
  required: [
    ...(['listed', 'bytes', 'copied', 'bytesCopied', 'archived', 'vanished'] as const),
    ...(['tagsListed', 'tagsUnreadable'] as const),
  ],
  properties: {
    ...{ listed: count, bytes: count, copied: count, bytesCopied: count },
    ...{ archived: count, vanished: count, tagsListed: count, tagsUnreadable: count },
  },
};

export const isShardPass = new Ajv().compile(passSchema);

/**
 * Joins the lists of shards, which are in the order of their keys, to one file. Gzip files that
 * follow each other are one (RFC 1952, 2.2), so no line is read. Rejects with `manifest-invalid`
 * when a list is not the one that was sealed, and with `disk-full`.
 */
export const joinLists = async (
  store: ObjectStore,
  copies: readonly ShardDone[],
  file: string,
): Promise<void> => {
  const part = `${file}.part`;
  await rm(file, { force: true });
  for (const { list } of copies) {
    if (list === undefined) throw new TypeError('the work on a shard made no list');
    await downloadObjectList(store, list, part);
    await pipeline(createReadStream(part), createWriteStream(file, { flags: 'a' })).catch(
      (error: unknown) => {
        throw unwritable(file, error);
      },
    );
  }
  await rm(part, { force: true });
};

/** The numbers of the shards of a bucket, as those of one pass. */
export const passOf = (copies: readonly ShardDone<ShardPass>[]): Omit<BucketPass, 'seconds'> => {
  const total = (name: keyof ShardPass): number => sum(copies.map(({ result }) => result[name]));
  return {
    ...{ listed: total('listed'), bytes: total('bytes'), copied: total('copied') },
    ...{ bytesCopied: total('bytesCopied'), archived: total('archived') },
    ...{ vanished: total('vanished'), tagsListed: total('tagsListed') },
    tagsUnreadable: total('tagsUnreadable'),
    unchanged: total('listed') - total('copied'),
    written: { count: 0, first: [] },
    cameBack: undefined,
  };
};
