import { Ajv, type JSONSchemaType } from 'ajv';
import type { BucketBackup } from '../../../repository/manifest.ts';
import type { KeyRange } from '../../../world.ts';

/*
 * This folder shares the copy of buckets between the units of this application. What must hold:
 *
 * - The shards of a bucket join without gap or overlap: each begins after the key with which the
 *   one before it ends, the first has no beginning, and the last has no end.
 * - A list is made of exactly one finished copy of each shard, in their order.
 * - Two processes may copy one shard at the same time; each has its own list. So a lease saves
 *   work, and nothing depends on it.
 * - A process writes only while the holder of the lock is there, the plan is, and its own claims
 *   are. The holder waits until all others have ended before it reads the mirror for the set.
 * - What others say in S3 counts only with the seal of the token that the leader sent over Juju.
 */

/** A part of a bucket that one process copies at a time. */
export interface Shard {
  readonly bucket: string;
  readonly range: KeyRange;
  /** The lines that the last list has of it; absent when there is no last list. */
  readonly before?: BucketBackup['list'];
}

/** What the leader asks the units to do. */
export interface SharePlan {
  readonly format: 1;
  /** The nonce of the lock that the leader holds. */
  readonly lock: string;
  /** How many units work at most, for what they share evenly. */
  readonly units: number;
  /** As `BucketOptions` has them. */
  readonly archive: boolean;
  readonly keepsTags: boolean;
  readonly shards: readonly Shard[];
}

const text = { type: 'string' } as const;
const list = {
  type: 'object',
  required: ['key', 'size', 'sha256'],
  properties: { key: text, size: { type: 'integer' }, sha256: text },
} as const;

const planSchema: JSONSchemaType<SharePlan> = {
  type: 'object',
  required: ['format', 'lock', 'units', 'archive', 'keepsTags', 'shards'],
  properties: {
    format: { type: 'integer', const: 1 },
    lock: text,
    units: { type: 'integer', minimum: 1 },
    archive: { type: 'boolean' },
    keepsTags: { type: 'boolean' },
    shards: {
      type: 'array',
      items: {
        type: 'object',
        required: ['bucket', 'range'],
        properties: {
          bucket: text,
          range: {
            type: 'object',
            properties: {
              startAfter: { ...text, nullable: true },
              upTo: { ...text, nullable: true },
            },
          },
          before: { ...list, nullable: true },
        },
      },
    },
  },
};

/** The end of one copy of a shard. */
export interface ShardCopy {
  readonly shard: number;
  readonly unit: string;
  readonly list: BucketBackup['list'];
  readonly pass: ShardPass;
}

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

const copySchema: JSONSchemaType<ShardCopy> = {
  type: 'object',
  required: ['shard', 'unit', 'list', 'pass'],
  properties: {
    shard: count,
    unit: text,
    list,
    pass: {
      type: 'object',
      required: [
        ...(['listed', 'bytes', 'copied', 'bytesCopied', 'archived', 'vanished'] as const),
        ...(['tagsListed', 'tagsUnreadable'] as const),
      ],
      properties: {
        ...{ listed: count, bytes: count, copied: count, bytesCopied: count },
        ...{ archived: count, vanished: count, tagsListed: count, tagsUnreadable: count },
      },
    },
  },
};

const ajv = new Ajv();
export const isSharePlan = ajv.compile(planSchema);
export const isShardCopy = ajv.compile(copySchema);

/** Objects from which on a shard is worth the five requests that it costs. */
export const fewestInShard = 250;

/** The shards between these keys, in order. */
export const rangesBetween = (bounds: readonly string[]): readonly KeyRange[] =>
  [undefined, ...bounds].map((startAfter, index) => ({
    ...(startAfter !== undefined && { startAfter }),
    ...(bounds[index] !== undefined && { upTo: bounds[index] }),
  }));
