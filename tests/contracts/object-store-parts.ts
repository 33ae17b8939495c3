import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ObjectStore } from '../../src/world.ts';
import { keysOf } from './object-store-keys.ts';
import { heedsConditions } from './object-store-writing.ts';
import type { OpenedStore, StoreQuirks } from './object-store.ts';
import { readTags, tagsOn } from './tags.ts';
import { etagOfParts, md5Of } from '../../src/ports/etags.ts';

const mebibyte = 2 ** 20;

const pieces = (content: Buffer): Readable =>
  Readable.from(
    Array.from({ length: Math.ceil(content.length / 100_000) }, (_, index) =>
      content.subarray(index * 100_000, (index + 1) * 100_000),
    ),
  );

export const describeParts = (open: () => Promise<OpenedStore>, quirks: StoreQuirks): void => {
  it('writes a stream of unknown length: short, empty, and in parts', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    const metadata = {
      contentType: 'application/gzip',
      user: { a: 'b' },
      tags: tagsOn(quirks, { t: 'u' }),
    };
    for (const size of [0, 10, 9 * mebibyte]) {
      const content = Buffer.alloc(size, 'some text that does not repeat too soon');
      const written = await store.upload(`${prefix}${size}`, pieces(content), { metadata });
      assert.equal(written.size, size);
      assert.equal(written.sha256, createHash('sha256').update(content).digest('hex'));
      assert.deepEqual(await store.read(`${prefix}${size}`), content);
      const found = await store.head(`${prefix}${size}`);
      assert.equal(found?.etag, written.etag);
      assert.equal(found.metadata.contentType, 'application/gzip');
      assert.deepEqual(await readTags(store, `${prefix}${size}`, quirks), metadata.tags);
    }
  });

  for (const size of [10, 9 * mebibyte])
    it(`leaves nothing of a stream that breaks after ${size} bytes`, async () => {
      await using opened = await open();
      const { store, prefix } = opened;
      const breaking = async function* (): AsyncGenerator<Buffer> {
        yield* pieces(Buffer.alloc(size));
        throw new Error('the source broke');
      };
      const upload = store.upload(`${prefix}a`, Readable.from(breaking()));
      await assert.rejects(upload, { message: 'the source broke' });
      assert.deepEqual(await keysOf(store, prefix), []);
      assert.deepEqual(await Array.fromAsync(store.unfinishedUploads(`${prefix}a`)), []);
    });

  if (heedsConditions(quirks))
    it('uploads only where nothing is, when told so, short or long', async () => {
      await using opened = await open();
      const { store, prefix } = opened;
      await store.put(`${prefix}a`, 'first');
      for (const size of [10, 9 * mebibyte]) {
        const upload = store.upload(`${prefix}a`, pieces(Buffer.alloc(size)), { ifAbsent: true });
        await assert.rejects(upload, { code: 'object-exists' });
      }
      assert.equal((await store.read(`${prefix}a`)).toString(), 'first');
      assert.deepEqual(await Array.fromAsync(store.unfinishedUploads(`${prefix}a`)), []);
    });

  it('copies an object in parts, on the server, and leaves none when that fails', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    const partSize = 5 * mebibyte;
    const content = Buffer.alloc(partSize + 10, 'some text that does not repeat too soon');
    const whole = md5Of(content);
    const etag = etagOfParts(
      [content.subarray(0, partSize), content.subarray(partSize)].map(md5Of),
    );
    await store.put(`${prefix}from`, content);
    const metadata = {
      contentType: 'text/plain',
      user: { a: 'b' },
      tags: tagsOn(quirks, { t: 'u' }),
    };
    const origin = store.origin({ key: `${prefix}from`, etag: whole });
    const copied = await store.copyFrom({ ...origin, size: content.length }, `${prefix}to`, {
      metadata,
      partSize,
    });
    if (!quirks.has('hashes-parts-otherwise')) assert.equal(copied.etag, etag);
    const found = await store.head(`${prefix}to`);
    assert.equal(found?.etag, copied.etag);
    assert.deepEqual(found.metadata, { ...metadata, tags: {} });
    assert.deepEqual(await readTags(store, `${prefix}to`, quirks), metadata.tags);
    assert.deepEqual(await store.read(`${prefix}to`), content);
    const gone = store.origin({ key: `${prefix}none`, etag: whole });
    const size = content.length;
    const mayWrite = () => Promise.reject(new Error('the path is another one’s'));
    for (const [from, options] of [
      [gone, { metadata, partSize }],
      [origin, { metadata, partSize, mayWrite }],
      [origin, { metadata, partSize: mebibyte }],
    ] as const)
      await assert.rejects(store.copyFrom({ ...from, size }, `${prefix}b`, options));
    assert.equal(await store.head(`${prefix}b`), undefined);
    assert.deepEqual(await Array.fromAsync(store.unfinishedUploads(`${prefix}b`)), []);
  });

  it('puts parts together in the order of their numbers, and shows nothing before', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    const parts = [
      Buffer.alloc(5 * mebibyte, 'a'),
      Buffer.alloc(5 * mebibyte, 'b'),
      Buffer.from('end'),
    ];
    const metadata = { contentType: 'x/y', user: { a: 'ü' }, tags: tagsOn(quirks, { t: 'u' }) };
    const upload = await store.startParts(`${prefix}a`, metadata);
    await Promise.all([
      upload.put(3, parts[2]!, 3),
      upload.put(1, pieces(parts[0]!), 5 * mebibyte, md5Of(parts[0]!)),
      upload.put(2, parts[1]!, 5 * mebibyte, md5Of(parts[1]!)),
    ]);
    assert.equal(await store.head(`${prefix}a`), undefined);
    const { etag } = await upload.complete();
    if (!quirks.has('hashes-parts-otherwise')) assert.equal(etag, etagOfParts(parts.map(md5Of)));
    const found = await store.head(`${prefix}a`);
    assert.equal(found?.etag, etag);
    assert.equal(found.size, 10 * mebibyte + 3);
    assert.deepEqual(found.metadata, { ...metadata, tags: {} });
    assert.deepEqual(await readTags(store, `${prefix}a`, quirks), metadata.tags);
    assert.deepEqual(await store.read(`${prefix}a`), Buffer.concat(parts));
    assert.deepEqual(await Array.fromAsync(store.unfinishedUploads(`${prefix}a`)), []);
  });

  it('refuses parts that are broken or too small', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    const upload = await store.startParts(`${prefix}a`, {});
    const corrupt = { code: 'store-corrupt' };
    const wrong = md5Of(Buffer.from('other'));
    await assert.rejects(upload.put(1, Buffer.from('abc'), 4), corrupt);
    await assert.rejects(upload.put(1, Buffer.from('abc'), 3, wrong), corrupt);
    await assert.rejects(upload.put(1, Readable.from([Buffer.from('abc')]), 4), corrupt);
    await upload.put(1, Buffer.from('abc'), 3);
    await upload.put(2, Buffer.from('abc'), 3);
    await assert.rejects(upload.complete(), { code: 'store-refused' });
    await upload.abort();
    await upload.abort();
    await assert.rejects(upload.put(3, Buffer.from('abc'), 3), { code: 'store-refused' });
    assert.equal(await store.head(`${prefix}a`), undefined);
  });

  it('finds uploads that were left, and aborts them', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    const keys = ['a', 'a', 'b c+ü'].map((key) => `${prefix}left/${key}`);
    const started: string[] = [];
    for (const key of keys) started.push((await store.startParts(key, {})).uploadId);
    const found = await unfinished(
      store,
      quirks.has('finds-uploads-by-key-only') ? [...new Set(keys)] : [`${prefix}left/`],
    );
    assert.deepEqual(found.map(({ key }) => key).sort(), [...keys].sort());
    assert.deepEqual(found.map(({ uploadId }) => uploadId).sort(), [...started].sort());
    assert.ok(found.every(({ initiated }) => Math.abs(initiated.getTime() - Date.now()) < 60_000));
    for (const { key, uploadId } of found) await store.abortUpload(key, uploadId);
    for (const { key, uploadId } of found) await store.abortUpload(key, uploadId);
    assert.deepEqual(await unfinished(store, [`${prefix}left/`, ...keys]), []);
  });
};

const unfinished = async (
  store: ObjectStore,
  prefixes: readonly string[],
): Promise<
  readonly { readonly key: string; readonly uploadId: string; readonly initiated: Date }[]
> => {
  const found = await Promise.all(
    prefixes.map((prefix) => Array.fromAsync(store.unfinishedUploads(prefix))),
  );
  return found.flat();
};
