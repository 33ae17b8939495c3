import assert from 'node:assert/strict';
import { ObjectsFailed } from '../../../src/components/buckets/failed-objects.ts';
import { CharmError } from '../../../src/errors.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import { md5Of } from '../../../src/ports/etags.ts';
import type { FakeMethod } from '../../fakes/object-store-failures.ts';
import { openMirrorRig, mirror, restored } from '../../rigs/mirror.ts';

const mebi = 2 ** 20;
const parts = [Buffer.alloc(5 * mebi, 'a'), Buffer.from('c')];

/**
 * One object of every kind besides the one that is replaced: a small one, a tagged one, a streamed
 * one, one in parts.
 */
const seed = (store: FakeObjectStore): void => {
  store.seed('replaced', 'new');
  store.seed('small', 'small');
  store.seed('tagged', 'tagged', { tags: { a: 'b' } });
  store.seed('streamed', Buffer.alloc(mebi + 1, 's'));
  store.bucket.store('parts', Buffer.concat(parts), {}, parts.map(md5Of));
};

const failures: readonly (readonly [string, () => Error])[] = [
  ['does not answer', () => new CharmError('store-unreachable', 'It is away.')],
  ['breaks off', () => new Error('socket hang up')],
];

const methods: readonly (readonly ['from' | 'to', FakeMethod])[] = [
  ['from', 'list'],
  ['from', 'get'],
  ['from', 'body'],
  ['from', 'head'],
  ['from', 'tags'],
  ['to', 'unfinishedUploads'],
  ['to', 'list'],
  ['to', 'put'],
  ['to', 'copy'],
  ['to', 'head'],
  ['to', 'startParts'],
  ['to', 'part'],
  ['to', 'complete'],
];

describe('a copy whose servers fail', () => {
  for (const [side, method] of methods)
    for (const [what, error] of failures)
      for (const times of [1, 1000])
        it(`is exact or says what failed when ${method} of the ${side === 'from' ? 'source' : 'target'} ${what}, ${times === 1 ? 'once' : 'always'}`, async () => {
          const from = new FakeObjectStore();
          from.seed('replaced', 'old');
          await using rig = await openMirrorRig(from);
          const { to } = rig;
          await rig.pass();
          const [before] = await rig.list();
          seed(from);
          rig[side].failNext(method, error(), times);
          const outcome = await rig.pass().then(
            () => undefined,
            (failure: unknown) => failure,
          );
          await from[Symbol.asyncDispose]();
          await to[Symbol.asyncDispose]();
          if (outcome === undefined) {
            const list = await rig.list();
            assert.deepEqual(
              list.map(({ key, etag }) => ({ key, etag })),
              [...from.objects.values()].map(({ key, etag }) => ({ key, etag })),
            );
            for (const line of list)
              assert.deepEqual(restored(to, line), from.bucket.get(line.key).bytes);
          } else if (outcome instanceof ObjectsFailed)
            for (const { key } of outcome.failed) assert.ok(from.bucket.find(key));
          else assert.equal((outcome as Error).message, error().message);
          assert.equal(restored(to, before!).toString(), 'old');
          assert.equal(to.bucket.uploads.size, 0);
          const next = await rig.pass();
          assert.equal(next.listed, 5);
          for (const [key, object] of from.objects)
            assert.deepEqual(to.bucket.get(mirror + key).bytes, object.bytes);
        });
});
