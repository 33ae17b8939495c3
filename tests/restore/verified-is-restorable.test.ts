import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { openStoredSet } from '../../src/components/buckets/stored-set.ts';
import { CharmError } from '../../src/errors.ts';
import { compareKeys } from '../../src/ports/key-order.ts';
import { layoutOf } from '../../src/repository/layout.ts';
import type { BucketBackup } from '../../src/repository/manifest.ts';
import type { ListedObject } from '../../src/repository/object-list.ts';
import { verifyBucket } from '../../src/verify/buckets.ts';
import { createArchiveCheck } from '../../src/verify/archive.ts';
import type { VerifyWork } from '../../src/verify/verification.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';
import { etagOfParts, md5Of } from '../../src/ports/etags.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';
import { intercept } from '../rigs/intercept.ts';
import { threeThreads } from '../rigs/three-threads.ts';

/** The ways in which a server may name the same bytes. */
const namings = {
  md5: (bytes: Buffer) => md5Of(bytes),
  onePart: (bytes: Buffer) => etagOfParts([md5Of(bytes)]),
  encrypted: (bytes: Buffer) => md5Of(Buffer.from(`a key service's ${md5Of(bytes)}`)),
  constant: () => `${'0'.repeat(32)}-1`,
} as const;
const naming = fc.constantFrom(...Object.values(namings));

/** Bytes that lie somewhere; few of them, so that they often meet. */
const content = fc.constantFrom('one', 'two', 'three').map((text) => Buffer.from(text));
const stored = fc.option(fc.record({ content, name: naming }), { nil: undefined });

/** An object as a set lists it, and what has become of its places. */
const anObject = fc.record({
  content,
  source: naming,
  copy: naming,
  isSha256Listed: fc.boolean(),
  mirror: stored,
  history: stored,
});

const keys = ['a', 'a b', 'a/b', 'b'];
const keyOf = (index: number): string => keys[index] ?? `c${String(index).padStart(4, '0')}`;

describe('a set of a bucket', () => {
  it('is restored in exactly the objects that a verification accepts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anObject, { minLength: 1, maxLength: keys.length }),
        async (objects) => {
          const rig = await storeWith(objects);
          const lost = await lostByVerify(rig);
          const set = openStoredSet(rig.store, rig.layout, rig.backup);
          for await (const { key } of set.list()) {
            const restored = await orUndefined(set.fetch(key));
            assert.equal(restored === undefined, lost.has(key), key);
            assert.equal((await orUndefined(set.get(key))) === undefined, lost.has(key), key);
            set.forget(key);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is read by several threads, any of which dies at any moment, with the same result as by one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anObject, { minLength: 1, maxLength: 30 }),
        fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 4 }),
        async (objects, deaths) => {
          const rig = await storeWith(objects);
          const { found: expected } = await readAll(rig);
          const { found } = await readAll(rig, { deaths });
          assert.deepEqual(found, expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  const intact = new Array<AnObject>(200).fill({
    ...{ content: Buffer.from('one'), source: namings.md5, copy: namings.md5 },
    ...{ isSha256Listed: false, history: undefined },
    mirror: { content: Buffer.from('one'), name: namings.md5 },
  });

  it('is read by no thread any more when that is stopped', async () => {
    const rig = await storeWith(intact);
    const stop = new AbortController();
    let reads = 0;
    intercept(rig.store, 'get', (original) => async (...words: Parameters<typeof original>) => {
      await nextTurn();
      reads += 1;
      if (reads === 50) stop.abort(new CharmError('interrupted', 'Stop.'));
      return original(...words);
    });
    await rejectsWithCode(readAll(rig, {}, stop), 'interrupted');
    const then = reads;
    await nextTurn();
    assert.equal(reads, then);
    assert.ok(reads < 100, `${reads} objects`);
  });

  it('is read by all of several threads, as the target was at a time', async () => {
    const rig = await storeWith(intact);
    const { store } = rig;
    const asOf = new Date(time);
    for (const key of [...store.objects.keys()]) store.seed(key, 'it was replaced since');
    const { found, done } = await readAll(rig, { asOf });
    assert.deepEqual([found.damages, found.proven, done.length], [[], 200, 2]);
    for (const read of done) assert.ok(read > 0);
  });
});

/** Each write has a second of its own. */
let time = Date.UTC(2026, 10, 20);

type AnObject = typeof anObject extends fc.Arbitrary<infer T> ? T : never;

const storeWith = async (objects: readonly AnObject[]) => {
  const store = new FakeObjectStore({ now: () => new Date((time += 1000)) });
  store.bucket.keepsVersions = true;
  const layout = layoutOf('p');
  const put = (key: string, { content: bytes, name }: NonNullable<AnObject['mirror']>): void => {
    Object.assign(store.seed(key, bytes), { etag: name(bytes) });
  };
  const lines = objects.map((object, index): ListedObject => {
    const key = keyOf(index);
    const etag = object.source(object.content);
    const mirrorEtag = object.copy(object.content);
    if (object.mirror) put(layout.mirror('b0b') + key, object.mirror);
    if (object.history) put(`${layout.history('b0b')}${key}/${mirrorEtag}`, object.history);
    return {
      key,
      size: object.content.length,
      etag,
      lastModified: '2026-11-21T20:15:00.000Z',
      ...(mirrorEtag !== etag && { mirrorEtag }),
      ...(object.isSha256Listed && {
        sha256: createHash('sha256').update(object.content).digest('hex'),
      }),
    };
  });
  const text = lines
    .toSorted((a, b) => compareKeys(a.key, b.key))
    .map((line) => `${JSON.stringify(line)}\n`)
    .join('');
  const { key, size, bytes } = store.seed('p/sets/1/b0b.ndjson.gz', gzipSync(text));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const backup: BucketBackup = {
    ...{ bucket: 'b0b', list: { key, size, sha256 }, objects: lines.length, size: 0 },
    ...{ copied: 0, bytesCopied: 0, archived: 0, vanished: 0, seconds: 0 },
  };
  return { store, layout, backup };
};

/** What a deep verification finds, by this thread alone unless it is told how by three. */
const readAll = async (
  { store, layout, backup }: Awaited<ReturnType<typeof storeWith>>,
  how?: Parameters<typeof threeThreads>[1],
  { signal } = new AbortController(),
) => {
  const damages: string[] = [];
  const counted = { proven: 0, unproven: 0, bytes: 0, objects: 0 };
  const clock = new FakeClock();
  await using threads =
    how && threeThreads({ source: new FakeObjectStore(), target: store, clock }, how);
  const { asOf } = how ?? {};
  const there = asOf === undefined ? store : store.asOf(asOf);
  await verifyBucket(
    {
      ...{ store: there, layout, clock, signal },
      ...(threads && { threads }),
      ...{ scratch: '/nowhere', deep: true, width: 12 },
      archive: createArchiveCheck(store, { thaw: false, width: 4 }),
      damages: {
        ...{ count: 0, missing: 0, first: [] },
        found: async (damage) => void damages.push(damage),
      },
      count: (more) => {
        for (const name of ['proven', 'unproven', 'bytes', 'objects'] as const)
          counted[name] += more[name] ?? 0;
      },
      note: async () => undefined,
    },
    backup,
  );
  return { found: { ...counted, damages: damages.toSorted() }, done: threads?.done ?? [] };
};

const lostByVerify = async ({
  store,
  layout,
  backup,
}: Awaited<ReturnType<typeof storeWith>>): Promise<ReadonlySet<string>> => {
  const lost = new Set<string>();
  const work: VerifyWork = {
    ...{ store, layout, clock: new FakeClock(), signal: new AbortController().signal },
    ...{ scratch: '/nowhere', deep: false, width: 4 },
    archive: createArchiveCheck(store, { thaw: false, width: 4 }),
    damages: {
      ...{ count: 0, missing: 0, first: [] },
      found: async (damage) => {
        const named = /^b0b: ("[^"]*")/.exec(damage)?.[1];
        assert.ok(named !== undefined, damage);
        lost.add(String(JSON.parse(named)));
      },
    },
    count: () => undefined,
    note: async () => undefined,
  };
  await verifyBucket(work, backup);
  return lost;
};

const orUndefined = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work;
  } catch (error) {
    assert.ok(error instanceof CharmError, String(error));
    return undefined;
  }
};
