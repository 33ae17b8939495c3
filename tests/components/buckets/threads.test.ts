import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Bandwidth, createBandwidth } from '../../../src/components/buckets/bandwidth.ts';
import type { BucketOptions } from '../../../src/components/buckets/mirror-bucket.ts';
import { ProgressOfBucket } from '../../../src/components/buckets/progress.ts';
import {
  type CopyThreads,
  openCopyThreads,
} from '../../../src/components/buckets/threads/copy-threads.ts';
import { CharmError } from '../../../src/errors.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import { fakeCopyThread } from '../../fakes/copy-thread.ts';
import { FakeProgress } from '../../fakes/progress.ts';
import { rejectsWithCode } from '../../rejects-with-code.ts';
import { intercept } from '../../rigs/intercept.ts';
import { mirror, type MirrorRig, openMirrorRig } from '../../rigs/mirror.ts';

const size = 40;
const content = (index: number): string => `${index}`.padEnd(size, '.');

/** A source of so many objects, which takes a turn of the event loop for each, as a server does. */
const sourceOf = (count: number): FakeObjectStore => {
  const source = new FakeObjectStore();
  for (let index = 0; index < count; index += 1)
    source.seed(`k${String(index).padStart(5, '0')}`, content(index));
  intercept(source, 'fetch', (original) => async (...words: Parameters<typeof original>) => {
    await nextTurn();
    return original(...words);
  });
  return source;
};

interface Scene {
  readonly copyProcesses?: number;
  /** 0 unless given. */
  readonly enough?: number | 'by default';
  /** For each thread, the message at which it dies. */
  readonly deaths?: readonly (number | undefined)[];
  /** Threads that do not start. */
  readonly refused?: boolean;
  /** Threads take so long to start. */
  readonly start?: Promise<unknown>;
}

interface SceneRig extends AsyncDisposable {
  readonly rig: MirrorRig<FakeObjectStore>;
  readonly threads: CopyThreads;
  readonly progress: FakeProgress;
  /** For each thread that was started, the keys that it has written. */
  readonly written: readonly (readonly string[])[];
  readonly options: Pick<BucketOptions, 'threads'>;
  /** How many threads have ended. */
  ended(): number;
}

const openScene = async (
  source: FakeObjectStore,
  { copyProcesses = 3, enough = 0, deaths = [], refused = false, start }: Scene = {},
): Promise<SceneRig> => {
  const rig = await openMirrorRig(source);
  const progress = new FakeProgress();
  const written: string[][] = [];
  let ended = 0;
  const startCopyThread = async () => {
    if (refused) throw new CharmError('juju-unreachable', 'Juju does not say where.');
    const keys: string[] = [];
    const diesAt = deaths[written.length];
    written.push(keys);
    const target = new Proxy(rig.to, {
      get: (store, name) => {
        const member: unknown = Reflect.get(store, name, store);
        if (typeof member !== 'function') return member;
        return (...words: readonly unknown[]): unknown => {
          if (name === 'put') keys.push(String(words[0]).slice(mirror.length));
          return Reflect.apply(member, store, words);
        };
      },
    });
    const { clock } = rig.options;
    await start;
    const thread = fakeCopyThread({ source, target, clock, ...(diesAt && { diesAt }) });
    thread.onEnd(() => (ended += 1));
    return thread;
  };
  const threads = openCopyThreads(
    { progress, startCopyThread },
    { copyProcesses },
    { buckets: ['mlpipeline'], ...(enough !== 'by default' && { enough }) },
  );
  return {
    ...{ rig, threads, progress, written, options: { threads } },
    ended: () => ended,
    [Symbol.asyncDispose]: async () => {
      await threads[Symbol.asyncDispose]();
      await rig[Symbol.asyncDispose]();
    },
  };
};

const assertCopied = ({ from, to }: MirrorRig<FakeObjectStore>): void => {
  for (const [key, object] of from.objects)
    assert.deepEqual(to.bucket.get(mirror + key).bytes, object.bytes, key);
};

describe('the threads of a copy', () => {
  it('share its objects, and the list is as one thread makes it', async () => {
    const source = sourceOf(300);
    await using alone = await openMirrorRig(source);
    const expected = await alone.pass();
    await using scene = await openScene(source);
    const { rig, written, options } = scene;
    const pass = await rig.pass(options);
    assert.deepEqual({ ...pass, seconds: 0 }, { ...expected, seconds: 0 });
    assert.deepEqual(await rig.list(), await alone.list());
    assertCopied(rig);
    assert.equal(written.length, 2);
    for (const keys of written) assert.ok(keys.length >= 50, `${keys.length} objects`);
    assert.equal(new Set(written.flat()).size, written.flat().length);
  });

  it('are not started before there is enough to copy, nor when the option says one', async () => {
    const source = sourceOf(1900);
    await using scene = await openScene(source, { enough: 'by default' });
    await scene.rig.pass(scene.options);
    assert.equal(scene.written.length, 0);
    for (let index = 0; index < 200; index += 1) source.seed(`new-${index}`, 'new');
    await scene.rig.pass(scene.options);
    assert.equal(scene.written.length, 2);
    await using single = await openScene(source, { copyProcesses: 1 });
    await single.rig.pass(single.options);
    assert.equal(single.written.length, 0);
  });

  it('may die: the others do what was under way there, the log says so, and no byte counts twice', async () => {
    await using scene = await openScene(sourceOf(300), { deaths: [10, 25] });
    const { rig, written, options } = scene;
    const progress = new ProgressOfBucket(rig.options.clock);
    const pass = await rig.pass({ ...options, progress });
    assertCopied(rig);
    assert.equal(pass.copied, 300);
    assert.equal(progress.snapshot().bytesDone, 300 * size);
    assert.equal(written.length, 2);
    assert.deepEqual(
      scene.progress.notes.filter((note) => note.includes('core less')),
      new Array(2).fill('One core less is used: a thread ended early.'),
    );
  });

  it('may not start: the copy is made by one', async () => {
    await using scene = await openScene(sourceOf(50), { refused: true });
    await scene.rig.pass(scene.options);
    assertCopied(scene.rig);
    assert.match(
      scene.progress.notes.join('\n'),
      /One core less is used: Juju does not say where\./,
    );
  });

  it('are no more than there may be when they start slowly, and none of them stays', async () => {
    const start = Promise.withResolvers<undefined>();
    const source = sourceOf(20);
    const scene = await openScene(source, { start: start.promise });
    await scene.rig.pass(scene.options);
    source.seed('later', 'later');
    await scene.rig.pass(scene.options);
    assertCopied(scene.rig);
    assert.equal(scene.written.length, 2);
    const closed = scene[Symbol.asyncDispose]();
    start.resolve(undefined);
    await closed;
    assert.equal(scene.ended(), 2);
  });

  it('have one bandwidth limit', async () => {
    await using scene = await openScene(sourceOf(200));
    const { rig, options } = scene;
    const { clock } = rig.options;
    const limit = createBandwidth([{ minute: 0, bytesPerSecond: 100_000 }], clock);
    let taken = 0;
    const bandwidth: Bandwidth = {
      ...limit,
      take: async (bytes, signal) => {
        taken += bytes;
        await limit.take(bytes, signal);
      },
    };
    await rig.pass({ ...options, bandwidth });
    assert.ok(scene.written.flat().length > 50);
    assert.equal(taken, 200 * size);
  });

  it('write nothing more when another operation has the path', async () => {
    await using scene = await openScene(sourceOf(300));
    const { rig, options } = scene;
    let isOurs = true;
    intercept(rig.to, 'put', (original) => async (...words: Parameters<typeof original>) => {
      if (rig.to.objects.size === 100) isOurs = false;
      return original(...words);
    });
    const pass = rig.pass({
      ...options,
      mayWrite: async () => {
        if (!isOurs) throw new CharmError('backup-running', 'Another operation has the path.');
      },
    });
    await rejectsWithCode(pass, 'backup-running');
    const { size: there } = rig.to.objects;
    await nextTurn();
    assert.equal(rig.to.objects.size, there);
    assert.ok(there < 200, `${there} objects`);
  });

  it('end at once when the copy is stopped, and others come for the next pass', async () => {
    await using scene = await openScene(sourceOf(300));
    const { rig, options, written } = scene;
    const stop = new AbortController();
    const putBack = intercept(
      rig.to,
      'put',
      (original) =>
        async (...words: Parameters<typeof original>) => {
          if (rig.to.objects.size === 150) stop.abort(new CharmError('interrupted', 'Stop.'));
          return original(...words);
        },
    );
    await rejectsWithCode(rig.pass({ ...options, signal: stop.signal }), 'interrupted');
    const { size: there } = rig.to.objects;
    await nextTurn();
    assert.equal(rig.to.objects.size, there);
    assert.equal(written.length, 2);
    putBack();
    await rig.pass(options);
    assertCopied(rig);
    assert.equal(written.length, 4);
  });
});
