import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { backupIdAt, layoutOf } from '../../src/repository/layout.ts';
import { createObjectListWriter } from '../../src/repository/object-list-writer.ts';
import { pruneSets } from '../../src/retention/prune.ts';
import { verifySet } from '../../src/verify/verify-set.ts';
import type { ObjectStore, StoredObject } from '../../src/world.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { aManifest } from '../rigs/manifest.ts';
import { model, programTarget, programWorld } from './program-world.ts';

/*
 * A program of its own, so that it can be run with a small heap: two sets over a mirror and a
 * history that are made up while they are listed. The older set lists all keys, the newer one every
 * other. Verifies the newer one, prunes the older one, and writes what it counted.
 */

const count = Number(process.argv[2]);
const layout = layoutOf('ckf');
const day = 24 * 3600 * 1000;
// The clock of this program is the real one, so the sets have to be of the last days.
const committed = Date.now() - day;
const ids = [backupIdAt(new Date(committed - day)), backupIdAt(new Date(committed))] as const;
const mirror = layout.mirror('mlpipeline');
const history = layout.history('mlpipeline');

const keyOf = (index: number): string => `${'long/'.repeat(115)}${String(index).padStart(8, '0')}`;
const etagOf = (index: number): string => String(index).padStart(32, '0');
const oldEtag = (index: number): string => String(index).padStart(32, 'a');

const made = async function* (
  from: (index: number) => string,
  etag: (index: number) => string,
): AsyncGenerator<StoredObject> {
  for (let index = 0; index < count; index += 1)
    yield { key: from(index), size: 10, etag: etag(index), lastModified: new Date(committed) };
};

const scratch = await mkdtemp(join(tmpdir(), 'many-'));
let storeTime: number | undefined = committed;
const small = new FakeObjectStore({ now: () => new Date(storeTime ?? Date.now()) });
const files = new Map<string, string>();
for (const [age, id] of ids.entries()) {
  const file = join(scratch, id);
  await using list = createObjectListWriter(file);
  for (let index = 0; index < count; index += age + 1) {
    const etag = age === 0 ? oldEtag(index) : etagOf(index);
    list.add({
      key: keyOf(index),
      size: 10,
      etag,
      lastModified: new Date(committed - day).toISOString(),
    });
    if (index % 1000 === 0) await list.drained();
  }
  await list.close();
  const bytes = await readFile(file);
  const key = layout.objectList(id, 'mlpipeline');
  files.set(key, file);
  small.seed(key, 'on the disk');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const manifest = aManifest({
    id,
    model,
    components: ['mlpipeline'],
    databases: [],
    buckets: [{ ...aManifest().buckets[0]!, list: { key, size: bytes.length, sha256 } }],
  });
  small.seed(layout.manifest(id), JSON.stringify({ ...manifest, mlmd: undefined }));
}
storeTime = undefined;

let deleted = 0;
const store: ObjectStore = Object.assign(small, {
  list: (prefix: string) => {
    if (prefix === mirror) return made((index) => mirror + keyOf(index), etagOf);
    if (prefix === history)
      return made((index) => `${history}${keyOf(index)}/${oldEtag(index)}`, oldEtag);
    return FakeObjectStore.prototype.list.call(small, prefix);
  },
  get: async (key: string) => {
    const file = files.get(key);
    const content = await FakeObjectStore.prototype.get.call(small, key);
    return file === undefined
      ? content
      : { ...content, body: Readable.from(createReadStream(file)) };
  },
  delete: async (keys: readonly string[]) => {
    deleted += keys.filter((key) => key.startsWith(mirror) || key.startsWith(history)).length;
    await FakeObjectStore.prototype.delete.call(small, keys);
  },
});

const target = programTarget(store);
const world = programWorld(store, scratch);

try {
  const { damages, objects } = await verifySet(world, { transfers: 4, copyProcesses: 1 }, target, {
    id: ids[1],
    deep: false,
  });
  const keep = { last: 1, daily: 0, weekly: 0, monthly: 0 };
  const report = await pruneSets(world, { keep }, target, { dryRun: false });
  console.log(JSON.stringify({ damages, objects, removed: report.removed.length, deleted }));
} finally {
  await rm(scratch, { recursive: true });
}
