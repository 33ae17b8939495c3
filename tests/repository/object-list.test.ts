import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import {
  openObjectList,
  readObjectList,
  uploadObjectList,
  type ListedObject,
} from '../../src/repository/object-list.ts';
import { asBytes } from '../../src/repository/lines-of-keys.ts';
import { createObjectListWriter } from '../../src/repository/object-list-writer.ts';
import { CharmError, hasCode } from '../../src/errors.ts';
import { padded } from '../hostile/lists.ts';
import { FakeObjectStore } from '../fakes/object-store.ts';

const line = (key: string, extra: Partial<ListedObject> = {}): ListedObject => ({
  key,
  size: 3,
  etag: 'd41d8cd98f00b204e9800998ecf8427e',
  lastModified: '2026-11-21T20:15:00.123Z',
  ...extra,
});

const read = (file: string): Promise<ListedObject[]> =>
  Array.fromAsync(readObjectList(createReadStream(file), 'of the test'));

const zipped = (text: string | Buffer): Readable => Readable.from([gzipSync(text)]);

describe('an object list', () => {
  let scratch = '';
  beforeEach(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'object-list-'));
  });
  afterEach(() => rm(scratch, { recursive: true }));

  it('comes back from S3 as it was written, whatever the keys are', async () => {
    const lines = ['a\nb', 'c "q" \\', '\u2028', '\u{1f680}'].map((key) => line(key));
    const file = join(scratch, 'list');
    await using writer = createObjectListWriter(file);
    for (const each of [...lines, line('z', { mirrorEtag: 'x', sha256: 'y' })]) writer.add(each);
    await writer.close();
    const store = new FakeObjectStore();
    const { size } = await uploadObjectList(store, 'sets/1/list.ndjson.gz', file);
    assert.equal(store.bucket.get('sets/1/list.ndjson.gz').size, size);
    assert.deepEqual(await Array.fromAsync(openObjectList(store, 'sets/1/list.ndjson.gz')), [
      ...lines,
      line('z', { mirrorEtag: 'x', sha256: 'y' }),
    ]);
  });

  it('gives the lines of some keys, and passes over the others', async () => {
    const anyKey = fc.oneof(
      fc.constantFrom('a', 'a"', 'a\\', 'é', '\u{1f600}', '\ud800', 'a\nb', '"'),
      fc.string({ minLength: 1, unit: 'grapheme' }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(anyKey, { minLength: 1, maxLength: 30 }),
        fc.array(fc.nat(40), { maxLength: 10 }),
        fc.integer({ min: 1, max: 200 }),
        async (keys, chosen, size) => {
          const wanted = keys.filter((_, index) => chosen.includes(index));
          const text = Buffer.from(keys.map((key) => `${JSON.stringify(line(key))}\n`).join(''));
          const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
            gzipSync(text.subarray(index * size, (index + 1) * size)),
          );
          const found = await Array.fromAsync(
            readObjectList(Readable.from([Buffer.concat(pieces)]), 'of the test', asBytes(wanted)),
          );
          // A key with an escape is read as JSON, and left to the reader.
          const isPlain = (key: string): boolean => !JSON.stringify(key).includes('\\');
          assert.deepEqual(found.map(({ key }) => key).filter(isPlain), wanted.filter(isPlain));
          for (const key of wanted) assert.ok(found.some((one) => one.key === key));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('says after which line it is damaged when it passes over lines', async () => {
    const text = `${JSON.stringify(line('a'))}\n${JSON.stringify(line('b'))}\nno JSON\n`;
    await assert.rejects(
      Array.fromAsync(readObjectList(zipped(text), 'of the test', asBytes(['b']))),
      /cannot be read after line 2/,
    );
  });

  it('is given up when it unpacks to more than any list of ours', async () => {
    const bomb = gzipSync(padded.repeat(1700));
    let lines = 0;
    await assert.rejects(
      async () => {
        for await (const { size } of readObjectList(Readable.from([bomb]), 'of the test'))
          lines += size > 0 ? 1 : 0;
      },
      (error) =>
        hasCode(error, 'manifest-invalid') && error.message.includes('more than 350 times'),
    );
    assert.ok(lines > 100);
  });

  it('can be read by hand with zcat, one JSON object a line', async () => {
    const file = join(scratch, 'list');
    await using writer = createObjectListWriter(file);
    writer.add(line('ä'));
    await writer.close();
    const chunks = await Array.fromAsync(createReadStream(file) as AsyncIterable<Buffer>);
    assert.equal(
      gunzipSync(Buffer.concat(chunks)).toString(),
      '{"key":"ä","size":3,"etag":"d41d8cd98f00b204e9800998ecf8427e","lastModified":"2026-11-21T20:15:00.123Z"}\n',
    );
  });

  it('keeps the order of its places, in whatever order the copies end', async () => {
    const file = join(scratch, 'list');
    await using writer = createObjectListWriter(file, 5);
    const places = Array.from({ length: 40 }, (_, index) => {
      if (index % 4 === 1) writer.add(line(`${index}`));
      return index % 4 === 1 ? undefined : writer.reserve();
    });
    for (const [index, place] of [...places.entries()].toReversed())
      place?.settle(index % 7 === 0 ? undefined : line(`${index}`));
    await writer.close();
    const expected = places.flatMap((place, index) =>
      place && index % 7 === 0 ? [] : [`${index}`],
    );
    assert.deepEqual(
      (await read(file)).map(({ key }) => key),
      expected,
    );
    assert.deepEqual(await readdir(scratch), ['list']);
  });

  it('leaves no file behind when it is not completed', async () => {
    {
      await using writer = createObjectListWriter(join(scratch, 'list'));
      writer.add(line('a'));
      writer.reserve();
    }
    assert.deepEqual(await readdir(scratch), []);
  });

  it('says that the disk is full when it cannot be written', async () => {
    await using writer = createObjectListWriter(join(scratch, 'missing', 'list'));
    writer.add(line('a'));
    await assert.rejects(writer.close(), (error) => hasCode(error, 'disk-full'));
  });

  for (const [what, stream] of [
    ['is cut short', () => Readable.from([gzipSync(JSON.stringify(line('a'))).subarray(0, 40)])],
    ['is not gzipped', () => Readable.from([Buffer.from('{}')])],
    ['has a line that is no JSON', () => zipped('{"key"\n')],
    ['has a line that is no object of a list', () => zipped('{"key":"a","size":"3"}\n')],
  ] as const)
    it(`is refused when it ${what}`, async () => {
      await assert.rejects(Array.fromAsync(readObjectList(stream(), 'of the test')), (error) => {
        assert.ok(hasCode(error, 'manifest-invalid'));
        assert.match(error.message, /object list of the test cannot be read after line 0/);
        return true;
      });
    });

  it('passes on what the store says about a connection that broke', async () => {
    const store = new FakeObjectStore();
    store.seed('list', gzipSync(JSON.stringify(line('a'))));
    store.failNext('body', new CharmError('store-unreachable', 'The connection broke.'));
    await assert.rejects(Array.fromAsync(openObjectList(store, 'list')), /The connection broke/);
  });

  it('lets go of the connection when it is left early', async () => {
    const body = zipped(`${JSON.stringify(line('a'))}\n${JSON.stringify(line('b'))}\n`);
    for await (const { key } of readObjectList(body, 'of the test')) {
      assert.equal(key, 'a');
      break;
    }
    await new Promise(setImmediate);
    assert.equal(body.destroyed, true);
  });

  it('is refused for a line that no key is long enough for, at once', async () => {
    // As one line of 20 MiB this took half a minute; it lies in S3 with 20 KB.
    const long = zipped(Buffer.alloc(20 * 2 ** 20, 'x'));
    await assert.rejects(
      Array.fromAsync(readObjectList(long, 'of the test')),
      (error) => hasCode(error, 'manifest-invalid') && /64 KiB/.test(error.message),
    );
    assert.ok(long.destroyed);
  });

  it('has room for the longest key there is', async () => {
    const key = '\u0001'.repeat(1024);
    const text = `${JSON.stringify(line(key))}\n`;
    assert.deepEqual(await Array.fromAsync(readObjectList(zipped(text), 'of the test')), [
      line(key),
    ]);
  });
});
