import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { type BackupId, backupIdAt, layoutOf } from '../../src/repository/layout.ts';
import { listSets } from '../../src/repository/sets.ts';
import { pruneSets } from '../../src/retention/prune.ts';
import type { ObjectStore, StoredObject } from '../../src/world.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { aManifest } from '../rigs/manifest.ts';
import { model, programTarget, programWorld } from './program-world.ts';

/*
 * A program of its own, so that it can be run with a small heap: `node tests/retention/many-sets.ts
 * <sets> <objects> <way>` makes up nightly sets over a mirror and a history, and tells what it
 * costs to remove the oldest set as the end of a backup does (`nightly`), as `prune` does a week
 * after the last one (`prune`), also after ten objects were copied that no set has (`debris`), or
 * when nothing was judged before (`first`); or to list the newest twenty (`list`).
 *
 * The bucket has `objects` keys in blocks of a thousand. Each night one block is replaced, so the
 * history has the old versions of it, and ten objects are deleted at the source. With a fourth word
 * so many more blocks are replaced, the same ones each night: the history has a version for each
 * set. A list is made of blocks that are packed before: each is a gzip member, as where several
 * units copied. So lists cost no CPU here but what reading them costs.
 */

const [sets = 3, objects = 3000] = process.argv.slice(2, 4).map(Number);
const way = process.argv[4] ?? 'nightly';
const hot = Number(process.argv[5] ?? 0);
const layout = layoutOf('ckf');
const bucket = 'mlpipeline';
const mirror = layout.mirror(bucket);
const history = layout.history(bucket);
const day = 24 * 3600 * 1000;
const blockSize = 1000;
const blocks = Math.ceil(objects / blockSize);
const gonePerNight = 10;
// The clock of this program is the real one, so the newest set has to be of the last day.
const first = Date.now() - sets * day;
const nightOf = (night: number): number => first + night * day;
const idOf = (night: number): BackupId => backupIdAt(new Date(nightOf(night)));

/** The last `hot` blocks are replaced each night; of the others block `b` in the night `b + 1`. */
const isHot = (block: number): boolean => block >= blocks - hot;
const isReplaced = (block: number, night: number): boolean => block < night && !isHot(block);

const keyOf = (block: number, index: number): string =>
  `artifacts/run-${String(block).padStart(6, '0')}/step-${String(index).padStart(4, '0')}/model.bin`;
const goneKey = (night: number, index: number): string =>
  `gone/${String(night).padStart(6, '0')}/${String(index).padStart(4, '0')}`;
const etagOf = (key: string, isNew: boolean): string =>
  createHash('md5')
    .update(`${key} ${String(isNew)}`)
    .digest('hex');

/** In the order of the nights. */
const hotEtagOf = (key: string, night: number): string =>
  String(night).padStart(8, '0') + etagOf(key, false).slice(8);

const lineOf = (key: string, etag: string): string =>
  `${JSON.stringify({ key, size: 4096, etag, lastModified: '2026-01-01T00:00:00.000Z' })}\n`;

const pack = (keys: readonly string[], etag: (key: string) => string): Buffer =>
  gzipSync(keys.map((key) => lineOf(key, etag(key))).join(''), { level: 1 });
const packed = (keys: readonly string[], isNew: boolean): Buffer =>
  pack(keys, (key) => etagOf(key, isNew));
const indices = (length: number): readonly number[] => Array.from({ length }, (_, index) => index);
const keysOf = (block: number): readonly string[] =>
  indices(blockSize).map((index) => keyOf(block, index));
const scratch = await mkdtemp(join(tmpdir(), 'many-sets-'));
const hotFile = (night: number): string => join(scratch, `hot-${night}`);
const hotBlocks = indices(blocks).filter(isHot);
for (const night of indices(hot > 0 ? sets : 0))
  await writeFile(
    hotFile(night),
    Buffer.concat(hotBlocks.map((block) => pack(keysOf(block), (key) => hotEtagOf(key, night)))),
  );
const old = indices(blocks - hot).map((block) => packed(keysOf(block), false));
const replaced = indices(Math.min(blocks, sets)).map((block) => packed(keysOf(block), true));
const gone = indices(sets).map((night) =>
  packed(
    indices(gonePerNight).map((index) => goneKey(night, index)),
    false,
  ),
);

/** What was deleted after the night stays in its list. */
const piecesOf = function* (night: number): Generator<Buffer> {
  for (let block = 0; block < blocks - hot; block += 1)
    yield (isReplaced(block, night) ? replaced[block] : old[block])!;
  if (hot > 0) yield readFileSync(hotFile(night));
  for (let later = night; later < sets; later += 1) yield gone[later]!;
};

/** Objects of the mirror or the history, in the order of their names. */
const madeUp = async function* (prefix: string): AsyncGenerator<StoredObject> {
  const isMirror = prefix === mirror;
  for (const block of indices(blocks - hot)) {
    const wasReplaced = isReplaced(block, sets - 1);
    if (!isMirror && !wasReplaced) continue;
    const lastModified = new Date(nightOf(wasReplaced ? block + 1 : 0) - 3_600_000);
    for (const key of keysOf(block)) {
      const etag = etagOf(key, isMirror && wasReplaced);
      yield {
        ...{ key: isMirror ? mirror + key : `${history}${key}/${etag}`, etag, lastModified },
        size: 4096,
      };
    }
  }
  for (const block of hotBlocks)
    for (const key of keysOf(block))
      for (const night of isMirror ? [sets - 1] : indices(sets - 1)) {
        const etag = hotEtagOf(key, night);
        const lastModified = new Date(nightOf(isMirror ? night : night + 1) - 3_600_000);
        yield {
          ...{ key: isMirror ? mirror + key : `${history}${key}/${etag}`, etag, lastModified },
          size: 4096,
        };
      }
  if (!isMirror) return;
  if (way === 'debris')
    for (const index of indices(10)) {
      const key = goneKey(sets, index);
      const lastModified = new Date(nightOf(sets - 3) + 3_600_000);
      yield { key: `${mirror}dead/${key}`, size: 4096, etag: etagOf(key, false), lastModified };
    }
  for (const night of indices(sets))
    for (const index of indices(gonePerNight)) {
      const key = goneKey(night, index);
      const lastModified = new Date(first - 3_600_000);
      yield { key: mirror + key, size: 4096, etag: etagOf(key, false), lastModified };
    }
};

let now = 0;
const small = new FakeObjectStore({ now: () => new Date(now || Date.now()) });
const nights = new Map<string, number>();
for (const night of indices(sets)) {
  const id = idOf(night);
  const key = layout.objectList(id, bucket);
  nights.set(key, night);
  const hash = createHash('sha256');
  let size = 0;
  for (const piece of piecesOf(night)) {
    hash.update(piece);
    size += piece.length;
  }
  now = nightOf(night);
  small.seed(key, 'made up when it is read');
  const [one] = aManifest().buckets;
  const manifest = {
    ...aManifest({ id, model, components: ['mlpipeline'], databases: [] }),
    buckets: [
      { ...one!, list: { key, size, sha256: hash.digest('hex') }, noneCameBackSince: idOf(0) },
    ],
    mlmd: undefined,
    started: new Date(nightOf(night)).toISOString(),
    finished: new Date(nightOf(night)).toISOString(),
  };
  small.seed(layout.manifest(id), JSON.stringify(manifest));
}
if (way === 'prune' || way === 'debris') {
  const last = sets - 8;
  const until = { [bucket]: new Date(nightOf(last)).toISOString() };
  const judged = { format: 1, until, sets: indices(last + 1).map(idOf) };
  small.seed(layout.judged, JSON.stringify(judged));
}
now = 0;
const sizes = new Map(
  [...small.objects.values()]
    .filter(({ key }) => key.endsWith('manifest.json'))
    .flatMap(({ bytes }) => {
      const { buckets } = JSON.parse(bytes.toString()) as ReturnType<typeof aManifest>;
      return buckets.map(({ list }) => [list.key, list.size] as const);
    }),
);

const read = new Set<number>();
let bytes = 0;
let deleted = 0;
let listed = 0;
const store: ObjectStore = Object.assign(small, {
  list: async function* (prefix: string): AsyncGenerator<StoredObject> {
    const found =
      prefix === mirror || prefix === history
        ? madeUp(prefix)
        : FakeObjectStore.prototype.list.call(small, prefix);
    for await (const object of found) {
      listed += 1;
      yield { ...object, size: sizes.get(object.key) ?? object.size };
    }
  },
  get: async (key: string) => {
    const night = nights.get(key);
    const content = await FakeObjectStore.prototype.get.call(small, key);
    if (night === undefined) return content;
    read.add(night);
    bytes += sizes.get(key) ?? 0;
    return { ...content, body: Readable.from(piecesOf(night), { objectMode: false }) };
  },
  delete: async (keys: readonly string[]) => {
    deleted += keys.filter((key) => key.startsWith(mirror) || key.startsWith(history)).length;
    await FakeObjectStore.prototype.delete.call(small, keys);
  },
});

try {
  const target = programTarget(store);
  const keep = { last: sets - 1, daily: 0, weekly: 0, monthly: 0 };
  const cpuBefore = process.cpuUsage();
  const begun = performance.now();
  if (way === 'list') await listSets(target, { limit: 20 });
  else
    await pruneSets(programWorld(store, scratch), { keep }, target, {
      dryRun: false,
      ...(way === 'nightly' && { onlySets: true, fewSets: 0 }),
    });
  const { user, system } = process.cpuUsage(cpuBefore);
  console.log(
    JSON.stringify({
      lists: read.size,
      listMegabytes: Math.round(bytes / 1e6),
      listed,
      deleted,
      cpuSeconds: Number(((user + system) / 1e6).toFixed(1)),
      seconds: Number(((performance.now() - begun) / 1000).toFixed(1)),
      peakMebibytes: Math.round(process.resourceUsage().maxRSS / 1024),
    }),
  );
} finally {
  await rm(scratch, { recursive: true });
}
