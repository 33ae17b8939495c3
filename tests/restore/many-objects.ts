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
import { etagOfParts, md5Of } from '../../src/ports/etags.ts';
import type { FetchedObject, ObjectStore, StoredObject } from '../../src/world.ts';
import { FastClock } from '../fakes/fast-clock.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { aManifest } from '../rigs/manifest.ts';

/*
 * A program of its own, so that it can be run with a small heap: a set of many objects, of which a
 * bucket that is made up while it is listed has every other one, and between them objects that the
 * set does not know. Compares the two as a dry run does, brings back, looks again, deletes what is
 * not known, and writes what it counted.
 */

const count = Number(process.argv[2]);
const bytes = Buffer.from('ten bytes.');
const md5 = md5Of(bytes);
/** The one that MinIO gives to objects without a metadata file. */
const saysNothing = `${'0'.repeat(32)}-1`;
/** Every other object is in the bucket. The others all come back under another ETag. */
const etags = [md5, etagOfParts([md5]), saysNothing, saysNothing] as const;
const lastModified = new Date('2026-11-01T00:00:00Z');
const keyOf = (index: number): string => `${'long/'.repeat(150)}${String(index).padStart(8, '0')}`;
const object = (key: string, etag = md5): StoredObject => ({
  key,
  size: bytes.length,
  etag,
  lastModified,
});
/** As the set lists it; what the ETag does not prove is proven by a digest. */
const listed = (index: number): StoredObject => object(keyOf(index), etags[index % 4]);
const sha256 = createHash('sha256').update(bytes).digest('hex');

const scratch = await mkdtemp(join(tmpdir(), 'many-'));
const file = join(scratch, 'list');
{
  await using list = createObjectListWriter(file);
  for (let index = 0; index < count; index += 1) {
    list.add({ ...listed(index), lastModified: lastModified.toISOString(), sha256 });
    if (index % 1000 === 0) await list.drained();
  }
  await list.close();
}

const content = (key: string) => ({
  ...{ ...object(key), metadata: { user: {}, tags: {} }, tagCount: 0 },
  body: Readable.from([bytes]),
});
let isBack = false;
let put = 0;
let deleted = 0;
const bucket: ObjectStore = Object.assign(new FakeObjectStore(), {
  list: async function* () {
    for (let index = 0; index < count; index += 1) {
      if (index % 2 === 0) yield listed(index);
      else if (isBack) yield object(keyOf(index));
      if (index % 10 === 9) yield object(`${keyOf(index)}-later`);
    }
  },
  put: async (_key: string, body: Uint8Array | Readable) => {
    put += 1;
    if (body instanceof Readable) await body.resume().toArray();
    return { etag: md5 };
  },
  get: async (key: string) => content(key),
  head: async (key: string) => ({ ...content(key), parts: undefined }),
  delete: async (keys: readonly string[]) => {
    deleted += keys.length;
  },
});
const target: ObjectStore = Object.assign(new FakeObjectStore(), {
  get: async (key: string) =>
    key === 'list' ? { ...content(key), body: createReadStream(file) } : content(key),
  fetch: async (key: string): Promise<FetchedObject> => ({ ...content(key), bytes }),
});

try {
  const packed = await readFile(file);
  const list = {
    ...{ key: 'list', size: packed.length },
    sha256: createHash('sha256').update(packed).digest('hex'),
  };
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
