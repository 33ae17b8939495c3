import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ObjectsFailed } from '../../../src/components/buckets/failed-objects.ts';
import type { ListedObject } from '../../../src/repository/object-list.ts';
import { CharmError } from '../../../src/errors.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import { md5Of } from '../../../src/ports/etags.ts';
import {
  type CopyThreads,
  openCopyThreads,
} from '../../../src/components/buckets/threads/copy-threads.ts';
import { fakeCopyThread } from '../../fakes/copy-thread.ts';
import { FakeProgress } from '../../fakes/progress.ts';
import { type MirrorRig, openMirrorRig, mirror, restored } from '../../rigs/mirror.ts';
import { intercept } from '../../rigs/intercept.ts';

/**
 * What somebody does to the source. Few keys and contents, so that things come, go and come back.
 */
type Change =
  | {
      readonly kind: 'write';
      readonly key: string;
      readonly content: string;
      readonly parts: number;
    }
  | { readonly kind: 'delete'; readonly key: string };

interface Round {
  readonly before: readonly Change[];
  /** Made while the copy runs, at its first, second, … read. */
  readonly during: readonly Change[];
  /** Calls that fail, some of them for good. */
  readonly faults: readonly {
    readonly method: 'get' | 'put' | 'body' | 'copy' | 'head';
    readonly times: number;
  }[];
  readonly withBaseline: boolean;
}

const anyKey = fc.oneof(
  fc.constantFrom('a', 'a/', 'a/b', 'a//b', 'b', '\ue000', '\u{1f680}', ' ', '+%20', '../x', 'é'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).filter((key) => key.isWellFormed()),
);
const anyChange = (key: fc.Arbitrary<string>): fc.Arbitrary<Change> =>
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('write' as const),
        key,
        // Equal sizes are frequent, so that only ETags tell the versions apart.
        content: fc.constantFrom('', 'x', 'y', 'one', 'two', 'six'),
        parts: fc.constantFrom(0, 0, 0, 1, 2),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
  );
const anyRounds = fc.uniqueArray(anyKey, { minLength: 1, maxLength: 8 }).chain((keys) => {
  const changes = fc.array(anyChange(fc.constantFrom(...keys)), { maxLength: 8 });
  return fc.array(
    fc.record({
      before: changes,
      during: changes,
      faults: fc.array(
        fc.record({
          method: fc.constantFrom('get' as const, 'put', 'body', 'copy', 'head'),
          times: fc.constantFrom(1, 1, 2, 100),
        }),
        { maxLength: 2 },
      ),
      withBaseline: fc.boolean(),
    }),
    { minLength: 1, maxLength: 6 },
  );
});

/** A source that remembers which versions each key ever had. */
const rememberingSource = (): {
  readonly store: FakeObjectStore;
  readonly contents: ReadonlyMap<string, Buffer>;
  readonly apply: (change: Change) => void;
} => {
  const store = new FakeObjectStore();
  const contents = new Map<string, Buffer>();
  return {
    store,
    contents,
    apply: (change) => {
      if (change.kind === 'delete') {
        store.bucket.remove(change.key);
        return;
      }
      const bytes = Buffer.from(change.content);
      const half = Math.ceil(bytes.length / 2);
      const parts = [[bytes], [bytes.subarray(0, half), bytes.subarray(half)]][change.parts - 1];
      const { etag } = store.bucket.store(change.key, bytes, {}, parts?.map(md5Of));
      contents.set(`${change.key}\0${etag}`, bytes);
    },
  };
};

const asListed = (store: FakeObjectStore): readonly object[] =>
  [...store.objects.values()].map(({ key, size, etag }) => ({ key, size, etag }));

const alone = (): undefined => undefined;

const runRounds = async (
  rounds: readonly Round[],
  threadsOf: (rig: MirrorRig<FakeObjectStore>) => CopyThreads | undefined = alone,
): Promise<void> => {
  const source = rememberingSource();
  await using rig = await openMirrorRig(source.store);
  await using threads = threadsOf(rig);
  const { to } = rig;
  const sets: (readonly ListedObject[])[] = [];
  for (const { before, during, faults, withBaseline } of rounds) {
    before.forEach(source.apply);
    const coming = [...during];
    const putBack = intercept(source.store, 'get', (original) => async (key, options) => {
      const change = coming.shift();
      if (change) source.apply(change);
      return original(key, options);
    });
    for (const { method, times } of faults)
      (method === 'put' || method === 'copy' ? to : source.store).failNext(
        method,
        new CharmError('store-unreachable', 'It is away.'),
        times,
      );
    try {
      await rig.pass({
        ...{ allowShrink: true, ...(threads && { threads }) },
        ...(!withBaseline && { baseline: undefined }),
      });
      const list = await rig.list();
      const untouched = coming.length === during.length;
      if (untouched)
        assert.deepEqual(
          list.map(({ key, size, etag }) => ({ key, size, etag })),
          asListed(source.store),
        );
      sets.push(list);
    } catch (error) {
      if (!(error instanceof ObjectsFailed)) throw error;
    }
    putBack();
    await source.store[Symbol.asyncDispose]();
    await to[Symbol.asyncDispose]();
    for (const list of sets)
      for (const line of list)
        assert.deepEqual(restored(to, line), source.contents.get(`${line.key}\0${line.etag}`));
  }
  // Once nothing changes and nothing fails any more, the mirror has all of the source.
  await rig.pass({ allowShrink: true });
  for (const [key, object] of source.store.objects)
    assert.deepEqual(to.bucket.get(mirror + key).bytes, object.bytes);
  const again = await rig.pass({ allowShrink: true });
  assert.equal(again.copied, 0);
};

describe('any backups of any bucket', () => {
  it('list what the source had, and mirror and history yield every listed set, through changes and failures', async () => {
    await fc.assert(
      fc.asyncProperty(anyRounds, (rounds) => runRounds(rounds)),
      { numRuns: 150 },
    );
  });

  it('do so with several threads, any of which dies at any moment', async () => {
    const anyDeaths = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(anyRounds, anyDeaths, async (rounds, deaths) => {
        const left = [...deaths];
        await runRounds(rounds, ({ from: source, to: target, options: { clock } }) =>
          openCopyThreads(
            {
              progress: new FakeProgress(),
              startCopyThread: async () => {
                const diesAt = left.shift();
                return fakeCopyThread({ source, target, clock, ...(diesAt && { diesAt }) });
              },
            },
            ...([{ copyProcesses: 3 }, { buckets: ['mlpipeline'], enough: 0 }] as const),
          ),
        );
      }),
      { numRuns: 100 },
    );
  });
});
