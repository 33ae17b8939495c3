import assert from 'node:assert/strict';
import type { KeyRange, ObjectStore } from '../../src/world.ts';
import type { OpenedStore, StoreQuirks } from './object-store.ts';
import { readTags } from './tags.ts';

/** Every kind of key that S3 allows; those that MinIO of 2021 refuses are apart. */
const plainKeys = [
  'a',
  'a b',
  ' leading and trailing ',
  'a+b',
  'a%20b',
  '100%',
  'größe',
  'e\u0301',
  '数据/日志',
  '\uffee',
  '🦊',
  `!"#$&'()*,-.:;<=>?@[\\]^_\`{|}~`,
  'tab\there',
  'line\nbreak\r\n',
  '\u0001\u001f\u007f\u0085',
  '...',
  'a..b/.hidden',
];

const oddKeys = ['..', '../up', './dot', 'x/../y', 'a//b', '//', '/lead', 'trail//', 'x/.', '.'];

export const describeKeys = (open: () => Promise<OpenedStore>, quirks: StoreQuirks): void => {
  const isLossy = quirks.has('loses-control-characters');
  const keys = [
    ...plainKeys.filter((key) => !isLossy || !/\p{Cc}/u.test(key)),
    ...(quirks.has('refuses-odd-segments') || quirks.has('tidies-keys')
      ? []
      : [...oddKeys, 'trail/']),
    ...(quirks.has('refuses-long-segments') ? [] : ['x'.repeat(900)]),
  ];
  const takesObjectsAboveOthers =
    !quirks.has('refuses-objects-beside-folders') && !quirks.has('hides-objects-below-objects');

  it('brings every key through every call exactly as it is', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    for (const key of keys) {
      const { etag } = await store.put(prefix + key, `content of ${key}`);
      assert.equal((await store.head(prefix + key))?.etag, etag, key);
      assert.equal((await store.read(prefix + key)).toString(), `content of ${key}`);
      assert.deepEqual(await readTags(store, prefix + key, quirks), {});
      await store.copy(prefix + key, `${prefix}copies${key}`, etag);
    }
    const expected = keys.flatMap((key) => [prefix + key, `${prefix}copies${key}`]);
    assert.deepEqual(await keysOf(store, prefix), inOrder(expected));

    await store.delete(keys.slice(1).map((key) => prefix + key));
    await store.delete([prefix + keys[0]!]);
    assert.deepEqual(
      await keysOf(store, prefix),
      inOrder(keys.map((key) => `${prefix}copies${key}`)),
    );
  });

  it('lists in the order of the UTF-8 bytes, over many pages, and from any key on', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    const others = ['\ud83e\udd8a', '\uffee', 'n0', ...(takesObjectsAboveOthers ? ['n'] : ['m'])];
    const many = Array.from({ length: 1005 }, (_, index) => `${prefix}n/${index}`);
    const all = inOrder([...many, ...others.map((k) => prefix + k)]);
    if (opened.seed) opened.seed(all);
    else await sideBySide(all, (key) => store.put(key, 'x'));

    assert.deepEqual(await keysOf(store, prefix), all);
    assert.deepEqual(await keysOf(store, `${prefix}n/`), inOrder(many));
    for (const at of [0, 500, 1000, all.length - 1]) {
      const startAfter = all[at]!;
      assert.deepEqual(await keysOf(store, prefix, { startAfter }), all.slice(at + 1));
    }
    for (const [from, to] of [
      [0, 1],
      [10, 900],
      [3, 1004],
      [998, 1003],
    ] as const) {
      const range = { startAfter: all[from]!, upTo: all[to]! };
      assert.deepEqual(await keysOf(store, prefix, range), all.slice(from + 1, to + 1));
    }
    assert.deepEqual(await keysOf(store, prefix, { upTo: `${prefix}n/0?` }), all.slice(0, 2));
    assert.deepEqual(
      await keysOf(store, prefix, { startAfter: `${prefix}n/5` }).then((k) => k[0]),
      `${prefix}n/50`,
    );
  });

  it('lists size, ETag and time of each object', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    const before = Date.now();
    await store.put(`${prefix}one`, 'four');
    const [listed] = await Array.fromAsync(store.list(prefix));
    assert.equal(listed?.size, 4);
    assert.equal(listed.etag, '8cbad96aced40b3838dd9f07f6ef5772');
    assert.ok(Math.abs(listed.lastModified.getTime() - before) < 60_000);
  });

  it('lists nothing where there is nothing, and stops when the reader does', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    assert.deepEqual(await keysOf(store, `${prefix}nothing`), []);
    await store.put(`${prefix}a`, '');
    await store.put(`${prefix}b`, '');
    for await (const { key } of store.list(prefix)) {
      assert.equal(key, `${prefix}a`);
      break;
    }
    await store.probe();
  });

  it('lists the directories one level below a prefix', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    for (const key of ['a/1', 'a/2/3', 'b c+d/1', 'ü/1', 'file']) await store.put(prefix + key, '');
    assert.deepEqual(
      await Array.fromAsync(store.listPrefixes(prefix)),
      ['a/', 'b c+d/', 'ü/'].map((one) => prefix + one),
    );
    assert.deepEqual(await Array.fromAsync(store.listPrefixes(`${prefix}a/`)), [`${prefix}a/2/`]);
    assert.deepEqual(await Array.fromAsync(store.listPrefixes(`${prefix}none/`)), []);
  });

  it('deletes thousands of keys, also when some are not there', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    const some = Array.from({ length: 40 }, (_, index) => `${prefix}k${index}&<>`);
    await sideBySide(some, (key) => store.put(key, ''));
    const absent = Array.from({ length: 1100 }, (_, index) => `${prefix}absent${index}`);
    await store.delete([...absent, ...some]);
    await store.delete([`${prefix}absent`]);
    await store.delete([]);
    assert.deepEqual(await keysOf(store, prefix), []);
  });

  it('refuses what can be no key: nothing, more than 1024 bytes, half a character', async () => {
    await using opened = await open();
    for (const key of ['', 'ü'.repeat(513), 'half \ud83e'])
      await assert.rejects(opened.store.put(key, ''), { code: 'store-refused' });
  });
};

export const keysOf = async (
  store: ObjectStore,
  prefix: string,
  range: KeyRange = {},
): Promise<readonly string[]> => {
  const found = await Array.fromAsync(store.list(prefix, range));
  return found.map(({ key }) => key);
};

export const inOrder = (keys: readonly string[]): readonly string[] =>
  [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

const sideBySide = async (
  keys: readonly string[],
  work: (key: string) => Promise<unknown>,
): Promise<void> => {
  const waiting = [...keys];
  const worker = async (): Promise<void> => {
    for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) await work(key);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
};
