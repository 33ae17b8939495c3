import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import type { OpenedStore, StoreQuirks } from './object-store.ts';
import { readTags, tagsOn } from './tags.ts';

/** As odd as this server takes them. */
const tagsFor = (quirks: StoreQuirks): Readonly<Record<string, string>> => {
  const plain = quirks.has('spoils-tags') || quirks.has('refuses-odd-tags');
  const odd = quirks.has('takes-ascii-tags')
    ? 'Zurich/Geneva=+@'
    : plain
      ? 'Zürich/Genève=+@'
      : 'Zürich & Genève=+%';
  return tagsOn(quirks, { stage: 'candidate', 'a b': odd });
};

export const describeReading = (open: () => Promise<OpenedStore>, quirks: StoreQuirks): void => {
  const metadata = {
    contentType: 'text/plain; charset=utf-8',
    contentEncoding: 'identity',
    contentDisposition: 'attachment; filename="a.txt"',
    contentLanguage: 'de',
    cacheControl: 'max-age=60',
    expires: 'Thu, 01 Jan 2099 00:00:00 GMT',
    user: { plain: 'value', note: 'Modell für Süd 数据' },
    tags: tagsFor(quirks),
  };

  it('gives an object with its size, ETag, time, metadata and number of tags', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    const { etag } = await store.put(`${prefix}a`, 'content', { metadata });
    const found = await store.get(`${prefix}a`);
    assert.equal((await buffer(found.body)).toString(), 'content');
    const { lastModified } = found;
    assert.deepEqual(
      { ...found, body: undefined },
      {
        key: `${prefix}a`,
        size: 7,
        etag,
        lastModified,
        body: undefined,
        tagCount: Object.keys(metadata.tags).length,
        metadata: { ...metadata, tags: {} },
      },
    );
    assert.equal(lastModified.getMilliseconds(), 0);
    assert.deepEqual(await readTags(store, `${prefix}a`, quirks), metadata.tags);
    assert.deepEqual(await store.head(`${prefix}a`), {
      key: `${prefix}a`,
      size: 7,
      etag,
      lastModified,
      metadata: { ...metadata, tags: {} },
    });
  });

  it('says that an object without tags has none, and does not invent metadata', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    await store.put(`${prefix}a`, 'content');
    const { metadata: found, tagCount, body } = await store.get(`${prefix}a`);
    body.destroy();
    assert.equal(tagCount, 0);
    assert.deepEqual(found.user, {});
    assert.equal(found.contentEncoding, undefined);
    assert.equal(found.cacheControl, undefined);
  });

  it('reads empty objects', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    await store.put(`${prefix}empty`, '');
    assert.equal((await store.read(`${prefix}empty`)).length, 0);
    const { size, body } = await store.get(`${prefix}empty`);
    assert.equal(size, 0);
    assert.equal((await buffer(body)).length, 0);
  });

  it('reads a range, inclusive at both ends, and still tells the size of the whole', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    await store.put(`${prefix}a`, '0123456789');
    const read = async (start: number, end: number): Promise<string> => {
      const { size, body } = await store.get(`${prefix}a`, { range: { start, end } });
      assert.equal(size, 10);
      return (await buffer(body)).toString();
    };
    assert.equal(await read(0, 0), '0');
    assert.equal(await read(2, 4), '234');
    assert.equal(await read(8, 100), '89');
    await assert.rejects(read(10, 12), { code: 'store-refused' });
  });

  it('does not give an object that has become another one', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    const { etag } = await store.put(`${prefix}a`, 'first');
    const { body } = await store.get(`${prefix}a`, { etag });
    assert.equal((await buffer(body)).toString(), 'first');
    await store.put(`${prefix}a`, 'other');
    await assert.rejects(store.get(`${prefix}a`, { etag }), { code: 'object-changed' });
  });

  it('tells that an object is missing', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    assert.equal(await store.head(`${prefix}none`), undefined);
    await assert.rejects(store.get(`${prefix}none`), { code: 'object-missing' });
    await assert.rejects(store.read(`${prefix}none`), { code: 'object-missing' });
    if (!quirks.has('refuses-tags'))
      await assert.rejects(store.tags(`${prefix}none`), { code: 'object-missing' });
  });

  it('stops reading when its signal fires', async () => {
    await using opened = await open();
    const { store, prefix } = opened;
    await store.put(`${prefix}a`, Buffer.alloc(3_000_000));
    const stop = new AbortController();
    const { body } = await store.get(`${prefix}a`, { signal: stop.signal });
    const reading = buffer(body);
    stop.abort(new Error('enough'));
    await assert.rejects(reading);
    await assert.rejects(store.get(`${prefix}a`, { signal: stop.signal }), { message: 'enough' });
  });
};
