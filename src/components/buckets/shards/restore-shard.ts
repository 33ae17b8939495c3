import { join } from 'node:path';
import { Ajv, type JSONSchemaType } from 'ajv';
import { layoutOf } from '../../../repository/layout.ts';
import { readListFile } from '../../../repository/object-list.ts';
import { sum } from '../../../text.ts';
import type { Source, Target } from '../../../world.ts';
import { bringBack, type BringBack, mostNamed } from '../bring-back.ts';
import { openStoredSet } from '../stored-set.ts';
import type { CopyThreads } from '../threads/copy-threads.ts';
import { type ShardDone, type ShardTools, type ShardWorker, shareOfHand } from './shard.ts';
import { createUnitProgress } from './unit-progress.ts';

/** What was brought back of a shard. Its exceptions are the list that the shard made. */
type ShardRestored = Omit<BringBack, 'exceptions'>;

const count = { type: 'integer', minimum: 0 } as const;
const text = { type: 'string' } as const;

const restoredSchema: JSONSchemaType<ShardRestored> = {
  type: 'object',
  required: ['objects', 'size', 'copied', 'bytesCopied', 'untagged', 'lost'],
  properties: {
    ...{ objects: count, size: count, copied: count, bytesCopied: count, untagged: count },
    lost: {
      type: 'object',
      required: ['count', 'first'],
      properties: {
        count,
        first: {
          type: 'array',
          items: { type: 'object', required: ['key', 'why'], properties: { key: text, why: text } },
        },
      },
    },
  },
};

export const isShardRestored = new Ajv().compile(restoredSchema);

/**
 * Brings the objects of shards back with the engine that brings back whole buckets. Objects that
 * are lost do not make it fail, because the leader is to know them all. `stored` is where the set
 * is read: the target, or what it was at a time.
 */
export const restoreWorker = (
  tools: ShardTools & {
    readonly sources: readonly Source[];
    readonly stored: Target;
    readonly threads?: CopyThreads;
  },
): ShardWorker<ShardRestored> => {
  const { target, stored, sources, plan, transfers, bandwidth, clock, signal, scratch, threads } =
    tools;
  const progress = createUnitProgress(clock);
  return {
    progress: progress.all,
    work: async ({ bucket, to = bucket, range, before: list }, { hand, mayGoOn }) => {
      const source = sources.find((one) => one.bucket === to);
      if (source === undefined || list === undefined)
        throw new TypeError(`the plan tells too little of the bucket ${bucket}`);
      const file = join(scratch, `shard-${hand}.exceptions.ndjson.gz`);
      const set = openStoredSet(
        stored.store,
        layoutOf(target.prefix),
        { bucket, list },
        target.store,
      );
      const done = await progress.during(
        (current) =>
          bringBack(set, source, {
            ...{ bandwidth, clock, signal, range, scratch: file },
            ...{ mayWrite: mayGoOn, allowDamaged: true, progress: current },
            transfers: shareOfHand(transfers, plan),
            ...(threads && { threads }),
          }),
        ({ objects, size: bytes }) => ({ objects, bytes }),
      );
      const { objects, size, copied, bytesCopied, untagged, lost } = done;
      return { file, result: { objects, size, copied, bytesCopied, untagged, lost } };
    },
  };
};

/** The numbers of the shards of a bucket as those of one. `exceptions` is their joined list. */
export const joinRestored = (
  done: readonly ShardDone<ShardRestored>[],
  exceptions: string,
): BringBack => {
  const results = done.map(({ result }) => result);
  return {
    objects: sum(results.map(({ objects }) => objects)),
    size: sum(results.map(({ size }) => size)),
    copied: sum(results.map(({ copied }) => copied)),
    bytesCopied: sum(results.map(({ bytesCopied }) => bytesCopied)),
    untagged: sum(results.map(({ untagged }) => untagged)),
    lost: {
      count: sum(results.map(({ lost }) => lost.count)),
      first: results.flatMap(({ lost }) => lost.first).slice(0, mostNamed),
    },
    exceptions: () => readListFile(exceptions, exceptions),
  };
};
