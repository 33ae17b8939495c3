import { Ajv, type JSONSchemaType } from 'ajv';
import type { BucketBackup } from '../../../repository/manifest.ts';
import type { HelpProgress } from '../../../repository/lock-claims.ts';
import type { Clock, KeyRange, Target } from '../../../world.ts';
import type { Bandwidth } from '../bandwidth.ts';

/*
 * This folder shares work on buckets between the units of this application: the copy of a backup,
 * what a restore brings back, what a deep verification reads. What must hold:
 *
 * - The shards of a bucket join without gap or overlap: each begins after the key with which the
 *   one before it ends, the first has no beginning, and the last has no end.
 * - The result is made of exactly one finished piece of work on each shard, in their order.
 * - Two processes may work on one shard at the same time; each has its own result. So a lease saves
 *   work, and nothing depends on it.
 * - A process works only while the leader is there, the plan is, and its own claims are. The leader
 *   waits until all others have ended before it goes on.
 * - What others say in S3 counts only with the seal of the token that the leader sent over Juju.
 */

/** A part of a bucket that one process works on at a time. */
export interface Shard {
  /** As the set names it. */
  readonly bucket: string;
  readonly range: KeyRange;
  /** The lines that the list has of it; absent when there is no list. */
  readonly before?: BucketBackup['list'];
  /** Where a restore brings it to, when that bucket has another name. */
  readonly to?: string;
}

/** What is done with each shard. */
export type WorkKind = 'copy' | 'restore' | 'verify';

/** What the leader asks the units to do. */
export interface SharePlan {
  readonly format: 1;
  readonly kind: WorkKind;
  /** The nonce of the leader's claim: of the lock, or of the one in `ShardLayout.units`. */
  readonly lock: string;
  /** How many units work at most, for what they share evenly. */
  readonly units: number;
  /** As `BucketOptions` has them; for a copy. */
  readonly archive?: boolean;
  readonly keepsTags?: boolean;
  /** Whether a verification asks S3 to thaw what it cannot read. */
  readonly thaw?: boolean;
  /** When the set is read as it was at a time; ISO 8601. */
  readonly asOf?: string;
  readonly shards: readonly Shard[];
}

const text = { type: 'string' } as const;
const list = {
  type: 'object',
  required: ['key', 'size', 'sha256'],
  properties: { key: text, size: { type: 'integer' }, sha256: text },
} as const;
const flag = { type: 'boolean', nullable: true } as const;

const planSchema: JSONSchemaType<SharePlan> = {
  type: 'object',
  required: ['format', 'kind', 'lock', 'units', 'shards'],
  properties: {
    format: { type: 'integer', const: 1 },
    kind: { type: 'string', enum: ['copy', 'restore', 'verify'] },
    lock: text,
    units: { type: 'integer', minimum: 1 },
    ...{ archive: flag, keepsTags: flag, thaw: flag },
    asOf: { ...text, nullable: true },
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
          to: { ...text, nullable: true },
        },
      },
    },
  },
};

/** The end of one piece of work on a shard. */
export interface ShardDone<Result extends object = object> {
  readonly shard: number;
  readonly unit: string;
  /** The object list that the work made, if it makes one. */
  readonly list?: BucketBackup['list'];
  readonly result: Result;
}

const doneSchema: JSONSchemaType<ShardDone> = {
  type: 'object',
  required: ['shard', 'unit', 'result'],
  properties: {
    shard: { type: 'integer', minimum: 0 },
    unit: text,
    list: { ...list, nullable: true },
    result: { type: 'object' },
  },
};

const ajv = new Ajv();
export const isSharePlan = ajv.compile(planSchema);
export const isShardDone = ajv.compile(doneSchema);

/** What every worker has. */
export interface ShardTools {
  readonly target: Target;
  readonly plan: SharePlan;
  readonly transfers: number;
  /** The share of this unit. */
  readonly bandwidth: Bandwidth;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** A directory for files. */
  readonly scratch: string;
}

/**
 * On how many shards each unit works at a time. With few shards in all, the first unit would leave
 * too little to the others.
 */
export const handsOf = ({ shards, units }: Pick<SharePlan, 'shards' | 'units'>): number =>
  shards.length >= 4 * units ? 2 : 1;

/** Of what a unit may do at a time, such as transfers, the part of each shard under way. */
export const shareOfHand = (all: number, plan: Pick<SharePlan, 'shards' | 'units'>): number =>
  Math.max(1, Math.ceil(all / handsOf(plan)));

/** What one process does with shards, `handsOf` the plan at a time. */
export interface ShardWorker<Result extends object = object> {
  /**
   * `file` is the object list that it made, if it makes one; the next work of the same `hand` may
   * write over it. `mayGoOn` rejects with `backup-running` when nothing may be written, or is worth
   * reading, any more.
   */
  readonly work: (
    shard: Shard,
    options: { readonly hand: number; readonly mayGoOn: () => Promise<void> },
  ) => Promise<{ readonly file?: string; readonly result: Result }>;
  /** What it has done so far. */
  readonly progress: () => HelpProgress;
}

/** The shards between these keys, in order. */
export const rangesBetween = (bounds: readonly string[]): readonly KeyRange[] =>
  [undefined, ...bounds].map((startAfter, index) => ({
    ...(startAfter !== undefined && { startAfter }),
    ...(bounds[index] !== undefined && { upTo: bounds[index] }),
  }));
