import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBandwidth } from '../../src/components/buckets/bandwidth.ts';
import {
  copyBucket,
  type BucketOptions,
  type BucketPass,
} from '../../src/components/buckets/mirror-bucket.ts';
import { readObjectList, type ListedObject } from '../../src/repository/object-list.ts';
import type { ObjectStore, Source, Target } from '../../src/world.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';

export const mirror = 'p/mlpipeline/';
export const history = 'p/history/mlpipeline/';

export interface MirrorRig<
  From extends ObjectStore,
  To extends ObjectStore = FakeObjectStore,
> extends AsyncDisposable {
  readonly from: From;
  readonly to: To;
  readonly options: BucketOptions;
  /** A pass; its list is the baseline of the next one when it succeeds. */
  pass(options?: Partial<BucketOptions>): Promise<BucketPass>;
  list(): Promise<readonly ListedObject[]>;
}

export const sourceOf = (store: ObjectStore): Source => ({
  store,
  bucket: 'mlpipeline',
  endpoint: 'http://minio.test',
});

export const targetOf = (store: ObjectStore): Target => ({
  store,
  bucket: 'backups',
  endpoint: 'http://s3.test',
  prefix: 'p',
  application: 'ckf-backup',
});

/** A source, a target in memory and what a pass between them needs. */
export const openMirrorRig = <From extends ObjectStore>(
  from: From,
  to = new FakeObjectStore({ description: 'bucket backups at http://s3.test' }),
): Promise<MirrorRig<From>> => openMirrorRigBetween(from, to);

export const openMirrorRigBetween = async <From extends ObjectStore, To extends ObjectStore>(
  from: From,
  to: To,
): Promise<MirrorRig<From, To>> => {
  const scratch = await mkdtemp(join(tmpdir(), 'buckets-'));
  const clock = new FakeClock();
  let passes = 0;
  let last: string | undefined;
  const options: BucketOptions = {
    mirror,
    history,
    baseline: undefined,
    list: join(scratch, 'list'),
    archive: true,
    keepsTags: true,
    confirmListed: false,
    previousCount: undefined,
    allowShrink: false,
    transfers: 16,
    bandwidth: createBandwidth([], clock),
    clock,
    signal: new AbortController().signal,
  };
  return {
    from,
    to,
    options,
    pass: async (changed = {}) => {
      passes += 1;
      const list = join(scratch, String(passes));
      const baseline =
        last === undefined ? undefined : readObjectList(createReadStream(last), last);
      const done = await copyBucket(sourceOf(from), targetOf(to), {
        ...options,
        list,
        baseline,
        ...changed,
      });
      last = list;
      return done;
    },
    list: async () => {
      assert.ok(last !== undefined, 'no pass has succeeded');
      return Array.fromAsync(readObjectList(createReadStream(last), last));
    },
    [Symbol.asyncDispose]: () => rm(scratch, { recursive: true }),
  };
};

/**
 * What a restore would take for a line of a list: from the mirror if it has that version, else from
 * the history.
 */
export const restored = (to: FakeObjectStore, line: ListedObject): Buffer => {
  const etag = line.mirrorEtag ?? line.etag;
  const inMirror = to.bucket.find(mirror + line.key);
  const found =
    inMirror?.etag === etag ? inMirror : to.bucket.find(`${history}${line.key}/${etag}`);
  assert.ok(found, `nothing is left of ${line.key} with the ETag ${etag}`);
  return found.bytes;
};
