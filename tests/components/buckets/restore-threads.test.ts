import assert from 'node:assert/strict';
import fc from 'fast-check';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createBandwidth } from '../../../src/components/buckets/bandwidth.ts';
import { openStoredSet } from '../../../src/components/buckets/stored-set.ts';
import type { CopyThreads } from '../../../src/components/buckets/threads/copy-threads.ts';
import { CharmError } from '../../../src/errors.ts';
import { layoutOf } from '../../../src/repository/layout.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import { rejectsWithCode } from '../../rejects-with-code.ts';
import { intercept } from '../../rigs/intercept.ts';
import { mirror } from '../../rigs/mirror.ts';
import { type StoredBucket, storedBucket } from '../../rigs/stored-bucket.ts';
import { threeThreads } from '../../rigs/three-threads.ts';

/** A bucket in which each write has a second of its own. */
const aBucket = (): Promise<StoredBucket> => {
  let time = Date.UTC(2026, 10, 20);
  const now = (): Date => new Date((time += 1000));
  return storedBucket(new FakeObjectStore({ now }), new FakeObjectStore({ now }));
};

const threadsOf = (
  { from: source, to: target, options: { clock } }: StoredBucket,
  how?: Parameters<typeof threeThreads>[1],
): ReturnType<typeof threeThreads> => threeThreads({ source, target, clock }, how);

const pictureOf = ({ from }: StoredBucket): readonly object[] =>
  [...from.objects.values()].map(({ key, etag, bytes, metadata }) => ({
    ...{ key, etag, metadata },
    content: bytes.toString(),
  }));

/** Takes a turn of the event loop for each object, as a server does. */
const slowly = ({ from }: StoredBucket): void => {
  intercept(from, 'put', (original) => async (...words: Parameters<typeof original>) => {
    await nextTurn();
    return original(...words);
  });
};

const many = async (count: number) => {
  const bucket = await aBucket();
  bucket.to.bucket.keepsVersions = true;
  for (let index = 0; index < count; index += 1)
    bucket.from.seed(`k${String(index).padStart(3, '0')}`, `content ${index}`.padEnd(20));
  const before = pictureOf(bucket);
  const backup = await bucket.backUp();
  for (const key of [...bucket.from.objects.keys()]) bucket.from.bucket.remove(key);
  slowly(bucket);
  return { bucket, backup, before };
};

/** What becomes of an object after it was backed up. */
const anObject = fc.record({
  content: fc.constantFrom('', 'one', 'two', 'a longer one'),
  /** Written anew before the second set, so that the first one has it from the history. */
  later: fc.constantFrom(undefined, undefined, 'six', 'one'),
  tagged: fc.boolean(),
  /** In the bucket, before it is restored. */
  fate: fc.constantFrom('stays', 'goes', 'goes', 'changes'),
  /** In the target. */
  damage: fc.constantFrom(undefined, undefined, undefined, 'lost', 'other bytes', 'away for once'),
});
type AnObject = typeof anObject extends fc.Arbitrary<infer T> ? T : never;

const play = async (
  objects: readonly AnObject[],
  isFirst: boolean,
  threadsFor: (bucket: StoredBucket) => CopyThreads | undefined,
) => {
  await using bucket = await aBucket();
  const { from, to } = bucket;
  const keyed = objects.map((object, index) => ({ ...object, key: `k${index % 10}/${index}` }));
  for (const { key, content, tagged } of keyed)
    from.seed(key, content, tagged ? { tags: { team: 'red' } } : {});
  const first = await bucket.backUp();
  for (const { key, later } of keyed) if (later !== undefined) from.seed(key, later);
  const second = await bucket.backUp();
  // An object that cannot be written three times is given up, whoever does it.
  const away = keyed.filter(({ damage }) => damage === 'away for once').length;
  from.failNext('put', new CharmError('store-unreachable', 'It is away.'), Math.min(away, 2));
  for (const { key, fate, damage } of keyed) {
    if (fate === 'goes') from.bucket.remove(key);
    if (fate === 'changes') from.seed(key, 'work of users');
    const found = to.bucket.find(mirror + key);
    if (damage === 'lost') to.bucket.remove(mirror + key);
    if (damage === 'other bytes' && found)
      Object.assign(found, { bytes: Buffer.from(found.bytes).fill('#') });
  }
  await using threads = threadsFor(bucket);
  const done = await bucket.restore(isFirst ? first : second, {
    ...{ allowDamaged: true, ...(threads && { threads }) },
  });
  return {
    ...{ ...done, lost: { ...done.lost, first: done.lost.first.toSorted(byKey) } },
    exceptions: await Array.fromAsync(done.exceptions()),
    picture: pictureOf(bucket),
  };
};

const modified = ({ lastModified }: { readonly lastModified: Date }): number =>
  lastModified.getTime();

const byKey = (one: { readonly key: string }, other: { readonly key: string }): number =>
  one.key < other.key ? -1 : 1;

describe('the threads of a restore', () => {
  it('bring back what one thread does, and find the same lost, any of them dying at any moment', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anObject, { minLength: 1, maxLength: 30 }),
        fc.boolean(),
        fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 5 }),
        async (objects, isFirst, deaths) => {
          const alone = await play(objects, isFirst, () => undefined);
          const found = await play(objects, isFirst, (bucket) => threadsOf(bucket, { deaths }));
          const { copied, bytesCopied, ...expected } = alone;
          // What a thread wrote before it died is there already.
          assert.ok(deaths.length > 0 || found.copied === copied);
          assert.ok(found.copied <= copied && found.bytesCopied <= bytesCopied);
          assert.deepEqual({ ...found, copied, bytesCopied }, { ...expected, copied, bytesCopied });
        },
      ),
      { numRuns: 100 },
    );
  });

  it('share it, have one bandwidth limit, and read the target as it was at a time', async () => {
    const { bucket, backup, before } = await many(200);
    await using _bucket = bucket;
    const { clock } = bucket.options;
    const limit = createBandwidth([{ minute: 0, bytesPerSecond: 100_000 }], clock);
    let taken = 0;
    const bandwidth = {
      ...limit,
      take: async (bytes: number, signal?: AbortSignal) => {
        taken += bytes;
        await limit.take(bytes, signal);
      },
    };
    const { to } = bucket;
    const asOf = new Date(Math.max(...[...to.objects.values()].map(modified)));
    for (const key of [...to.objects.keys()])
      if (key.startsWith(mirror)) to.seed(key, 'it was replaced since');
    const set = openStoredSet(to.asOf(asOf), layoutOf('p'), backup);
    await using threads = threadsOf(bucket, { asOf });
    const done = await bucket.restore(backup, { set, threads, bandwidth });
    assert.equal(done.copied, 200);
    assert.equal(taken, 200 * 20);
    assert.deepEqual(pictureOf(bucket), before);
    assert.equal(threads.done.length, 2);
    for (const objects of threads.done) assert.ok(objects >= 40, `${objects} objects`);
  });

  it('write nothing more when another process does this work by now', async () => {
    const { bucket, backup } = await many(300);
    await using _bucket = bucket;
    const { from } = bucket;
    const mayWrite = async (): Promise<void> => {
      if (from.objects.size >= 100) throw new CharmError('backup-running', 'It is taken.');
    };
    await using threads = threadsOf(bucket);
    await rejectsWithCode(bucket.restore(backup, { threads, mayWrite }), 'backup-running');
    const { size } = from.objects;
    await nextTurn();
    assert.equal(from.objects.size, size);
    assert.ok(size < 200, `${size} objects`);
  });

  it('end at once when it is stopped', async () => {
    const { bucket, backup } = await many(300);
    await using _bucket = bucket;
    const { from } = bucket;
    const stop = new AbortController();
    intercept(from, 'put', (original) => async (...words: Parameters<typeof original>) => {
      if (from.objects.size === 100) stop.abort(new CharmError('interrupted', 'Stop.'));
      return original(...words);
    });
    await using threads = threadsOf(bucket);
    const { signal } = stop;
    await rejectsWithCode(bucket.restore(backup, { threads, signal }), 'interrupted');
    const { size } = from.objects;
    await nextTurn();
    assert.equal(from.objects.size, size);
    assert.ok(size < 200, `${size} objects`);
  });
});
