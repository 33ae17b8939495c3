import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { CharmError } from '../../src/errors.ts';
import { describeObjectStore } from '../contracts/object-store.ts';
import { FakeObjectStore } from './object-store.ts';

describeObjectStore('the fake', async () => {
  const store = new FakeObjectStore();
  return {
    store,
    prefix: '',
    seed: (keys) => {
      for (const key of keys) store.seed(key, 'x');
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
});

describeObjectStore(
  'the fake, with versions',
  async () => {
    const store = new FakeObjectStore();
    store.bucket.keepsVersions = true;
    return {
      ...{ store, prefix: '' },
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    };
  },
  new Set(['keeps-versions']),
);

describe('the fake object store', () => {
  it('shows what is stored, and takes what a test puts there', async () => {
    const store = new FakeObjectStore();
    store.seed('b', 'two', { user: { a: '1' } });
    await store.put('a', 'one');
    assert.deepEqual([...store.objects.keys()], ['a', 'b']);
    assert.equal(store.objects.get('b')?.bytes.toString(), 'two');
    assert.deepEqual(store.objects.get('b')?.metadata.user, { a: '1' });
  });

  it('fails the next calls of a method as it is told, and then works again', async () => {
    const store = new FakeObjectStore();
    const error = new CharmError('store-unreachable', 'gone');
    store.failNext('put', error, 2);
    await assert.rejects(store.put('a', ''), error);
    await assert.rejects(store.put('a', ''), error);
    await store.put('a', '');
    store.failNext('list', error);
    await assert.rejects(Array.fromAsync(store.list('')), error);
  });

  it('breaks a body off halfway', async () => {
    const store = new FakeObjectStore();
    store.seed('a', 'four');
    store.failNext('body', new CharmError('store-unreachable', 'cut'));
    const { body } = await store.get('a');
    await assert.rejects(buffer(body), { message: 'cut' });
  });
});
