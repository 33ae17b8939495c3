import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { keysOf } from './object-store-keys.ts';
import type { OpenedStore, StoreQuirks } from './object-store.ts';
import { readTags, tagsOn } from './tags.ts';
import { md5Of } from '../../src/ports/etags.ts';

export const heedsConditions = (quirks: StoreQuirks): boolean =>
  !quirks.has('ignores-put-conditions') && !quirks.has('loses-conditions-in-versions');

export const describeWriting = (open: () => Promise<OpenedStore>, quirks: StoreQuirks): void => {
  it('writes text, bytes and streams, and returns the MD5 of what it stored', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    const bytes = Buffer.from([0, 255, 10, 13]);
    assert.equal((await store.put(`${prefix}text`, 'grün')).etag, md5Of('grün'));
    assert.equal((await store.put(`${prefix}bytes`, bytes)).etag, md5Of(bytes));
    const stream = Readable.from([Buffer.from('in '), Buffer.from('pieces')]);
    const put = await store.put(`${prefix}stream`, stream, { size: 9, md5: md5Of('in pieces') });
    assert.equal(put.etag, md5Of('in pieces'));
    assert.equal(
      (
        await store.put(`${prefix}none`, Readable.from([]), {
          size: 0,
          ...(quirks.has('demands-digests') && { md5: md5Of('') }),
        })
      ).etag,
      md5Of(''),
    );
    assert.equal((await store.read(`${prefix}text`)).toString(), 'grün');
    assert.deepEqual(await store.read(`${prefix}bytes`), bytes);
    assert.equal((await store.read(`${prefix}stream`)).toString(), 'in pieces');
  });

  it('replaces an object whole, metadata and tags too', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    const user = { a: '1' };
    await store.put(`${prefix}a`, 'long content', {
      metadata: { user, tags: tagsOn(quirks, { t: 'x' }) },
    });
    await store.put(`${prefix}a`, 'short');
    assert.equal((await store.read(`${prefix}a`)).toString(), 'short');
    assert.deepEqual((await store.head(`${prefix}a`))?.metadata.user, {});
    assert.deepEqual(await readTags(store, `${prefix}a`, quirks), {});
  });

  const broken = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from('abc');
    throw new Error('the source broke');
  };
  const badStreams: readonly (readonly [string, () => Readable, object])[] = [
    ['too short', () => Readable.from([Buffer.from('ab')]), { code: 'store-corrupt' }],
    ['empty', () => Readable.from([]), { code: 'store-corrupt' }],
    [
      'one byte too long',
      () => Readable.from([Buffer.from('abc'), Buffer.from('d')]),
      { code: 'store-corrupt' },
    ],
    [
      'too long in one piece',
      () => Readable.from([Buffer.from('abcd')]),
      { code: 'store-corrupt' },
    ],
    ['broken at its very end', () => Readable.from(broken()), { message: 'the source broke' }],
  ];
  for (const [what, stream, error] of badStreams)
    it(`leaves no object of a stream that is ${what}, and says so at once`, async () => {
      await using opened = await open();
      const { store, prefix } = opened;
      await assert.rejects(store.put(`${prefix}a`, stream(), { size: 3 }), error);
      await store.put(`${prefix}after`, 'the connection is still good');
      assert.deepEqual(await keysOf(store, prefix), [`${prefix}after`]);
    });

  it('refuses bytes that do not have the MD5 that was given', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    const wrong = { md5: md5Of('other') };
    await assert.rejects(store.put(`${prefix}a`, 'content', wrong), { code: 'store-corrupt' });
    const stream = Readable.from([Buffer.from('content')]);
    await assert.rejects(store.put(`${prefix}b`, stream, { ...wrong, size: 7 }), {
      code: 'store-corrupt',
    });
    assert.deepEqual(await keysOf(store, prefix), []);
  });

  it('does not begin to write when its signal has fired', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    const signal = AbortSignal.abort(new Error('enough'));
    await assert.rejects(store.put(`${prefix}a`, 'x', { signal }), { message: 'enough' });
    assert.equal(await store.head(`${prefix}a`), undefined);
  });

  if (heedsConditions(quirks)) {
    it('writes only where nothing is, when told so: of many at once one wins', async () => {
      await using opened = await open();
      const { store, prefix } = opened;
      const attempts = await Promise.allSettled(
        Array.from({ length: 8 }, (_, index) =>
          store.put(`${prefix}claim`, `writer ${index}`, { ifAbsent: true }),
        ),
      );
      const lost = attempts.filter((attempt) => attempt.status === 'rejected');
      assert.equal(lost.length, 7);
      for (const { reason } of lost)
        assert.equal(reason instanceof Error && 'code' in reason && reason.code, 'object-exists');
      const winner = attempts.findIndex(({ status }) => status === 'fulfilled');
      assert.equal((await store.read(`${prefix}claim`)).toString(), `writer ${winner}`);
    });

    it('writes only over the object that was meant, when told so', async () => {
      await using opened = await open();
      const { store, prefix } = opened;
      const first = await store.put(`${prefix}a`, 'first');
      const second = await store.put(`${prefix}a`, 'second', { ifMatch: first.etag });
      assert.equal(second.etag, md5Of('second'));
      for (const [key, ifMatch] of [
        ['a', first.etag],
        ['none', second.etag],
      ] as const)
        await assert.rejects(store.put(prefix + key, 'third', { ifMatch }), {
          code: 'object-changed',
        });
      assert.deepEqual(await keysOf(store, prefix), [`${prefix}a`]);
      assert.equal((await store.read(`${prefix}a`)).toString(), 'second');
    });
  }

  it('copies an object with its metadata and tags', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    const metadata = {
      contentType: 'text/html',
      user: { a: 'ü' },
      tags: tagsOn(quirks, { t: 'x y' }),
    };
    const { etag } = await store.put(`${prefix}from`, 'content', { metadata });
    await store.copy(`${prefix}from`, `${prefix}to`, etag);
    const copied = await store.head(`${prefix}to`);
    assert.equal(copied?.etag, etag);
    assert.deepEqual(copied.metadata, { ...metadata, tags: {} });
    assert.deepEqual(await readTags(store, `${prefix}to`, quirks), metadata.tags);
    assert.equal((await store.read(`${prefix}to`)).toString(), 'content');
  });

  it('copies only the object that was meant', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    await store.put(`${prefix}from`, 'content');
    const changed = { code: 'object-changed' };
    await assert.rejects(store.copy(`${prefix}from`, `${prefix}to`, md5Of('other')), changed);
    const missing = { code: 'object-missing' };
    await assert.rejects(store.copy(`${prefix}none`, `${prefix}to`, md5Of('other')), missing);
    assert.equal(await store.head(`${prefix}to`), undefined);
  });

  it('copies an object of any bucket of its server, and gives it what it is told', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    const tags = tagsOn(quirks, { t: 'x y' });
    await store.put(`${prefix}from`, 'content', {
      metadata: {
        contentType: 'text/html',
        user: { a: 'b' },
        tags: tagsOn(quirks, { old: 'tag' }),
      },
    });
    const origin = store.origin({ key: `${prefix}from`, etag: md5Of('content') });
    const metadata = { contentType: 'text/plain', user: { c: 'ü' }, tags };
    const { etag } = await store.copyFrom({ ...origin, size: 7 }, `${prefix}to`, { metadata });
    assert.equal(etag, md5Of('content'));
    const copied = await store.head(`${prefix}to`);
    assert.equal(copied?.etag, etag);
    assert.deepEqual(copied.metadata, { ...metadata, tags: {} });
    assert.deepEqual(await readTags(store, `${prefix}to`, quirks), metadata.tags);
    assert.equal((await store.read(`${prefix}to`)).toString(), 'content');
  });

  it('copies nothing that is not there', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    const origin = store.origin({ key: `${prefix}none`, etag: md5Of('content') });
    const metadata = { user: {}, tags: {} };
    for (const other of [origin, { ...origin, bucket: 'no-such-bucket' }])
      await assert.rejects(store.copyFrom({ ...other, size: 7 }, `${prefix}to`, { metadata }));
    assert.equal(await store.head(`${prefix}to`), undefined);
  });
};
