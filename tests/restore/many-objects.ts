import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createBandwidth } from '../../src/components/buckets/bandwidth.ts';
import { layoutOf } from '../../src/repository/layout.ts';
import { createObjectListWriter } from '../../src/repository/object-list-writer.ts';
import { bringBack } from '../../src/components/buckets/bring-back.ts';
import { differenceOf, confirmBroughtBack } from '../../src/components/buckets/difference.ts';
import { openStoredSet } from '../../src/components/buckets/stored-set.ts';
import type { FetchedObject, ObjectStore, StoredObject } from '../../src/world.ts';
import { FastClock } from '../fakes/fast-clock.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { aManifest } from '../rigs/manifest.ts';

/*
 * A program of its own, so that it can be run with a small heap: a set of many objects, of which a bucket that is made up while it is listed has every other
 * one, and between them objects that the set does not know. Compares the two as a dry run does, brings back, looks again, deletes what is not
 * known, and writes what it counted.
 */

const count = Number(process.argv[2]);
const bytes = Buffer.from('ten bytes.');
const etag = createHash('md5').update(bytes).digest('hex');
const lastModified = new Date('2026-11-01T00:00:00Z');
const keyOf = (index: number): string => `${'long/'.repeat(150)}${String(index).padStart(8, '0')}`;
const object = (key: string): StoredObject => ({ key, size: bytes.length, etag, lastModified });

const scratch = await mkdtemp(join(tmpdir(), 'many-'));
const file = join(scratch, 'list');
{
  await using list = createObjectListWriter(file);
  for (let index = 0; index < count; index += 1) {
    list.add({ ...object(keyOf(index)), lastModified: lastModified.toISOString() });
    if (index % 1000 === 0) await list.drained();
  }
  await list.close();
}

let isBack = false;
let put = 0;
let deleted = 0;
const bucket: ObjectStore = Object.assign(new FakeObjectStore(), {
  list: async function* () {
    for (let index = 0; index < count; index += 1) {
      if (isBack || index % 2 === 0) yield object(keyOf(index));
      if (index % 10 === 9) yield object(`${keyOf(index)}-later`);
    }
  },
  put: async () => {
    put += 1;
    return { etag };
  },
  delete: async (keys: readonly string[]) => {
    deleted += keys.length;
  },
});
const target: ObjectStore = Object.assign(new FakeObjectStore(), {
  get: async (key: string) => ({
    ...object(key),
    metadata: { user: {}, tags: {} },
    tagCount: 0,
    body: Readable.from(createReadStream(file)),
  }),
  fetch: async (key: string): Promise<FetchedObject> => ({
    ...object(key),
    metadata: { user: {}, tags: {} },
    tagCount: 0,
    bytes,
  }),
});

try {
  const content = await readFile(file);
  const sha256 = createHash('sha256').update(content).digest('hex');
  const list = { key: 'list', size: content.length, sha256 };
  const set = openStoredSet(target, layoutOf('ckf'), { ...aManifest().buckets[0]!, list });
  const to = { store: bucket, bucket: 'mlpipeline', endpoint: 'http://minio.test' };
  const forget = (key: string): void => {
    set.forget(key);
  };
  const { signal } = new AbortController();
  const clock = new FastClock(1);
  const { missing } = await differenceOf(set.list(), to, forget);
  const { copied, exceptions } = await bringBack(set, to, {
    ...{ transfers: 16, bandwidth: createBandwidth([], clock), clock, signal },
    ...{ scratch: `${file}.exceptions`, allowDamaged: false },
  });
  isBack = true;
  const extra = await confirmBroughtBack(() => set.list(), to, {
    ...{ exceptions, deleteExtra: true, forget, signal },
  });
  console.log(JSON.stringify({ missing, copied, put, extra, deleted }));
} finally {
  await rm(scratch, { recursive: true });
}
