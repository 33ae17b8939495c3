import { dirname, join } from 'node:path';
import { createBandwidth } from '../../src/components/buckets/bandwidth.ts';
import { layoutOf } from '../../src/repository/layout.ts';
import type { BucketBackup } from '../../src/repository/manifest.ts';
import { uploadObjectList } from '../../src/repository/object-list.ts';
import type { BucketOptions } from '../../src/components/buckets/mirror-bucket.ts';
import { bringBack, type BringBack } from '../../src/components/buckets/bring-back.ts';
import { confirmBroughtBack } from '../../src/components/buckets/difference.ts';
import { openStoredSet, type StoredSet } from '../../src/components/buckets/stored-set.ts';
import { openMirrorRig, sourceOf, type MirrorRig } from './mirror.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';

/** A bucket that is backed up into sets, and brought back from any of them. */
export interface StoredBucket extends MirrorRig<FakeObjectStore> {
  backUp(): Promise<BucketBackup>;
  open(backup: BucketBackup): StoredSet;
  restore(
    backup: BucketBackup,
    options?: {
      readonly deleteExtra?: boolean;
      readonly set?: StoredSet;
    } & Partial<Parameters<typeof bringBack>[2]>,
  ): Promise<BringBack & { readonly extra: number }>;
}

export const storedBucket = async (
  from = new FakeObjectStore({ description: 'bucket mlpipeline at http://minio.test' }),
  to?: FakeObjectStore,
  options: Partial<BucketOptions> = {},
): Promise<StoredBucket> => {
  const rig = await openMirrorRig(from, to);
  const layout = layoutOf('p');
  const clock = new FakeClock();
  let sets = 0;
  const open = (backup: BucketBackup): StoredSet => openStoredSet(rig.to, layout, backup);
  return {
    ...rig,
    open,
    backUp: async () => {
      sets += 1;
      const pass = await rig.pass(options);
      const file = join(dirname(rig.options.list), String(sets));
      const key = `p/sets/${sets}/mlpipeline.ndjson.gz`;
      const { size, sha256 } = await uploadObjectList(rig.to, key, file);
      const { listed, bytes, copied, bytesCopied, archived, vanished, seconds } = pass;
      return {
        bucket: 'mlpipeline',
        list: { key, size, sha256 },
        objects: listed,
        size: bytes,
        copied,
        bytesCopied,
        archived,
        vanished,
        seconds,
      };
    },
    restore: async (backup, { deleteExtra = false, set = open(backup), ...changed } = {}) => {
      const { signal } = new AbortController();
      const source = sourceOf(from);
      const done = await bringBack(set, source, {
        transfers: 8,
        scratch: join(dirname(rig.options.list), 'exceptions'),
        allowDamaged: false,
        bandwidth: createBandwidth([], clock),
        clock,
        signal,
        ...changed,
      });
      const extra = await confirmBroughtBack(() => set.list(), source, {
        exceptions: () => done.exceptions(),
        deleteExtra,
        forget: (key) => {
          set.forget(key);
        },
        signal,
      });
      return { ...done, extra };
    },
  };
};
