import assert from 'node:assert/strict';
import fc from 'fast-check';
import { openS3 } from '../../../src/adapters/s3/s3.ts';
import { readBaseline, readRanges } from '../../../src/components/buckets/ranges.ts';
import type { ListedObject } from '../../../src/repository/object-list.ts';
import type { ReadAhead } from '../../../src/repository/read-ahead.ts';
import { compareKeys } from '../../../src/ports/key-order.ts';
import type { KeyRange, StoredObject } from '../../../src/world.ts';
import { startS3Server, testUser } from '../../servers/s3/server.ts';

const stored = (key: string): StoredObject => ({
  key,
  size: 1,
  etag: 'e',
  lastModified: new Date(0),
});

const listedKeys = async function* (keys: readonly string[]): AsyncGenerator<ListedObject> {
  for (const key of keys) yield { ...stored(key), lastModified: '1970-01-01T00:00:00.000Z' };
};

async function* inRange(
  keys: readonly string[],
  { startAfter, upTo }: KeyRange,
): AsyncGenerator<StoredObject> {
  for (const key of keys) {
    if (startAfter !== undefined && compareKeys(key, startAfter) <= 0) continue;
    if (upTo !== undefined && compareKeys(key, upTo) > 0) return;
    yield stored(key);
  }
}

const allOf = async (items: ReadAhead<StoredObject>): Promise<readonly string[]> => {
  const keys: string[] = [];
  for (let item = items.peek(); item || (await items.ready()); item = items.peek()) {
    const { key } = items.peek() ?? stored('');
    keys.push(key);
    items.skip();
  }
  return keys;
};

const numbered = (count: number, step = 1): readonly string[] =>
  Array.from({ length: count }, (_, index) => `k${String(index * step).padStart(6, '0')}`);

describe('a listing in ranges', () => {
  it('names what a listing in one go names, wherever the bounds lie', async () => {
    const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 6 });
    const keys = fc.uniqueArray(key, { maxLength: 40 }).map((all) => all.toSorted(compareKeys));
    await fc.assert(
      fc.asyncProperty(keys, keys, fc.integer({ min: 1, max: 5 }), async (all, bounds, lanes) => {
        await using ranges = readRanges({
          list: (range) => inRange(all, range),
          bounds: (async function* () {
            yield* bounds;
          })(),
          name: 'listing',
          lanes,
        });
        assert.deepEqual(await allOf(ranges), all);
        assert.ok(ranges.ended);
      }),
    );
  });

  it('takes its bounds from the last list, which is read on the side', async () => {
    const present = numbered(7000, 3);
    const before = numbered(9000, 2);
    const baseline = readBaseline(listedKeys(before));
    const list = (range: KeyRange): AsyncIterable<StoredObject> => inRange(present, range);
    await using source = readRanges({ list, bounds: baseline.bounds.source, name: 'source' });
    await using mirror = readRanges({ list, bounds: baseline.bounds.mirror, name: 'mirror' });
    assert.deepEqual(await allOf(source), present);
    const known = (await Array.fromAsync(baseline.objects)).map(({ key }) => key);
    assert.deepEqual(known, before);
    assert.deepEqual(await allOf(mirror), present);
  });

  it('fails for everybody when the last list cannot be read', async () => {
    const broken = async function* (): AsyncGenerator<ListedObject> {
      yield* listedKeys(numbered(1000));
      throw new Error('the list is damaged');
    };
    const baseline = readBaseline(broken());
    const list = (range: KeyRange): AsyncIterable<StoredObject> => inRange([], range);
    await using source = readRanges({ list, bounds: baseline.bounds.source, name: 'source' });
    await using mirror = readRanges({ list, bounds: baseline.bounds.mirror, name: 'mirror' });
    for (const reader of [allOf(source), allOf(mirror), Array.fromAsync(baseline.objects)])
      await assert.rejects(reader, /the list is damaged/);
  });

  it('asks for several pages at a time and for hardly more than there are', async () => {
    await using server = await startS3Server({ buckets: ['bench'] });
    const keys = numbered(9000);
    server.contents.put('bench', ...keys.map((key) => ({ key, content: 'x' })));
    await using store = openS3({
      endpoint: server.url,
      region: undefined,
      bucket: 'bench',
      ...testUser,
      style: 'path',
      clock: { now: () => new Date(), sleep: async () => undefined },
    });
    const { bounds } = readBaseline(listedKeys(keys));
    let underWay = 0;
    let most = 0;
    const list = async function* (range: KeyRange): AsyncGenerator<StoredObject> {
      most = Math.max(most, ++underWay);
      yield* store.list('', range);
      underWay -= 1;
    };
    await using ranges = readRanges({
      list,
      bounds: bounds.source,
      name: 'listing',
    });
    assert.deepEqual(await allOf(ranges), keys);
    assert.ok(server.count('ListObjectsV2') <= 11, String(server.count('ListObjectsV2')));
    assert.equal(most, 4);
  });
});
