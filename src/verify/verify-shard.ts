import { Ajv, type JSONSchemaType } from 'ajv';
import {
  type ShardTools,
  type ShardWorker,
  shareOfHand,
} from '../components/buckets/shards/shard.ts';
import type { CopyThreads } from '../components/buckets/threads/copy-threads.ts';
import { layoutOf } from '../repository/layout.ts';
import type { Target } from '../world.ts';
import { type ArchiveFound, createArchiveCheck } from './archive.ts';
import { verifyPart } from './buckets.ts';
import type { Doubts } from './content.ts';
import { collectDamages, type FoundDamages, type Verification } from './verification.ts';

/** What was found in a shard. */
export interface ShardVerified extends Pick<
  Verification,
  'objects' | 'bytes' | 'proven' | 'unproven'
> {
  readonly damages: FoundDamages;
  readonly archive: ArchiveFound;
  readonly doubts: Doubts;
}

const count = { type: 'integer', minimum: 0 } as const;
const text = { type: 'string' } as const;
const texts = { type: 'array', items: text } as const;

const verifiedSchema: JSONSchemaType<ShardVerified> = {
  type: 'object',
  required: ['objects', 'bytes', 'proven', 'unproven', 'damages', 'archive', 'doubts'],
  properties: {
    ...{ objects: count, bytes: count, proven: count, unproven: count },
    damages: {
      type: 'object',
      required: ['count', 'missing', 'first'],
      properties: {
        ...{ count, missing: count },
        first: {
          type: 'array',
          items: {
            type: 'object',
            required: ['text', 'kind'],
            properties: { text, kind: { type: 'string', enum: ['missing', 'damaged'] } },
          },
        },
      },
    },
    archive: {
      type: 'object',
      required: ['frozen', 'asked', 'thawing', 'bytes', 'classes'],
      properties: { frozen: count, asked: count, thawing: count, bytes: count, classes: texts },
    },
    doubts: {
      type: 'object',
      required: ['honest', 'suspects'],
      properties: { honest: { type: 'boolean' }, suspects: texts },
    },
  },
};

export const isShardVerified = new Ajv().compile(verifiedSchema);

/** How many objects one process reads at a time. */
export const mostReaders = 16;

/**
 * Reads the objects of shards, as a deep verification does. `stored` is where the set is read: the
 * target, or what it was at a time.
 */
export const verifyWorker = (
  tools: ShardTools & { readonly stored: Target; readonly threads?: CopyThreads },
): ShardWorker<ShardVerified> => {
  const { target, stored, plan, transfers, clock, signal, scratch, threads } = tools;
  const width = shareOfHand(Math.min(transfers, mostReaders), plan);
  const layout = layoutOf(target.prefix);
  const done = { objects: 0, bytes: 0 };
  return {
    progress: () => ({ ...done }),
    work: async ({ bucket, range, before: list }, { mayGoOn }) => {
      if (list === undefined) throw new TypeError(`the plan has no list for ${bucket}`);
      const found = { objects: 0, bytes: 0, proven: 0, unproven: 0 };
      const damages = collectDamages();
      const archive = createArchiveCheck(stored.store, { thaw: plan.thaw === true, width });
      const { store } = stored;
      const lost = new AbortController();
      const work = {
        ...{ store, layout, clock, scratch, damages, archive, width },
        ...(threads && { threads }),
        signal: AbortSignal.any([signal, lost.signal]),
        deep: true,
        mayGoOn: async () => {
          try {
            await mayGoOn();
          } catch (error) {
            // What is being read is of no use any more.
            lost.abort(error);
            throw error;
          }
        },
        count: (checked: Partial<typeof found>) => {
          for (const name of ['objects', 'bytes', 'proven', 'unproven'] as const)
            found[name] += checked[name] ?? 0;
          done.objects += checked.objects ?? 0;
          done.bytes += checked.bytes ?? 0;
        },
        note: async () => undefined,
      };
      const doubts = await verifyPart(work, { bucket, range, list, listStore: target.store });
      return { result: { ...found, damages: damages.all(), archive: archive.found, doubts } };
    },
  };
};
