import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ListedObject } from '../../../src/repository/object-list.ts';
import type { KeyRange, StoredObject } from '../../../src/world.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import { openMirrorRig, mirror } from '../../rigs/mirror.ts';
import { intercept } from '../../rigs/intercept.ts';

const mebi = 2 ** 20;
// The three listings of 100,000 objects would take more than 100 MiB; the rest of the test process
// makes some noise.
const limit = 60 * mebi;
const lastModified = new Date('2026-11-21T20:15:00Z');

/** Keys as KFP writes them, made up while they are listed. */
async function* madeUp(
  prefix: string,
  count: number,
  etag = 'e',
  { startAfter, upTo }: KeyRange = {},
): AsyncGenerator<StoredObject> {
  const numberIn = (key: string): number => Number(/run-(\d+)/.exec(key)?.[1]);
  const first = startAfter === undefined ? 0 : numberIn(startAfter) + 1;
  const last = upTo === undefined ? count - 1 : numberIn(upTo);
  for (let index = first; index <= last; index += 1) {
    const number = String(index).padStart(8, '0');
    const key = `${prefix}artifacts/run-${number}/2026/11/21/pod-${number}/main.log`;
    yield { key, size: 4096, etag: `${etag}${number}`, lastModified };
  }
}

async function* listed(count: number): AsyncGenerator<ListedObject> {
  for await (const object of madeUp('', count))
    yield { ...object, lastModified: lastModified.toISOString(), metadata: {} };
}

class MadeUpStore extends FakeObjectStore {
  readonly #count: number;
  readonly #etag: string;

  constructor(count: number, etag = 'e') {
    super();
    this.#count = count;
    this.#etag = etag;
  }

  override list(prefix: string, range?: KeyRange): AsyncGenerator<StoredObject> {
    return madeUp(prefix, this.#count, this.#etag, range);
  }

  override async head(key: string): ReturnType<FakeObjectStore['head']> {
    if (this.bucket.find(key)) return super.head(key);
    const number = /run-(\d+)/.exec(key)?.[1] ?? '';
    const object = { key, size: 4096, etag: `${this.#etag}${number}`, lastModified };
    return { ...object, metadata: { user: {}, tags: {} } };
  }

  override async tags(key: string): ReturnType<FakeObjectStore['tags']> {
    return this.bucket.find(key) ? super.tags(key) : {};
  }
}

/** The most that was in use at any time, after collecting garbage, in bytes. */
const watchHeap = (): { stop(): number } => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const before = process.memoryUsage().heapUsed;
  let most = 0;
  const timer = setInterval(() => {
    collect();
    most = Math.max(most, process.memoryUsage().heapUsed - before);
  }, 1000);
  return {
    stop: () => {
      clearInterval(timer);
      return most;
    },
  };
};

describe('the memory of a copy', () => {
  it('does not grow with 100,000 objects that did not change', async () => {
    const count = 100_000;
    await using rig = await openMirrorRig(new MadeUpStore(count), new MadeUpStore(count));
    const heap = watchHeap();
    const pass = await rig.pass({ baseline: listed(count) });
    const most = heap.stop();
    assert.equal(pass.unchanged, count);
    assert.equal(pass.copied, 0);
    assert.ok(most < limit, `${most / mebi} MiB`);
  });

  it('does not grow while one object takes longer than all the others', async () => {
    const count = 100_000;
    const from = new MadeUpStore(count);
    const to = new MadeUpStore(count);
    const first = (await Array.fromAsync(madeUp('', 1)))[0]!;
    let release = (): void => undefined;
    intercept(
      from,
      'list',
      () =>
        async function* () {
          yield { ...first, etag: from.seed(first.key, 'slow').etag, size: 4 };
          for await (const object of madeUp('', count)) if (object.key !== first.key) yield object;
          release();
        },
    );
    intercept(from, 'get', (original) => async (key, options) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return original(key, options);
    });
    await using rig = await openMirrorRig(from, to);
    const heap = watchHeap();
    const pass = await rig.pass({ archive: false });
    const most = heap.stop();
    assert.equal(pass.copied, 1);
    assert.equal(pass.unchanged, count - 1);
    const list = await rig.list();
    assert.equal(list.length, count);
    assert.equal(list[0]?.size, 4);
    assert.ok(to.bucket.find(mirror + first.key));
    assert.ok(most < limit, `${most / mebi} MiB`);
  });
});
