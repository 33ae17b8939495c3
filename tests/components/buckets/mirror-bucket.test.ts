import assert from 'node:assert/strict';
import { findVersion } from '../../../src/repository/versions.ts';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createBandwidth } from '../../../src/components/buckets/bandwidth.ts';
import { ObjectsFailed } from '../../../src/components/buckets/failed-objects.ts';
import { ProgressOfBucket } from '../../../src/components/buckets/progress.ts';
import { readObjectList } from '../../../src/repository/object-list.ts';
import { CharmError, hasCode } from '../../../src/errors.ts';
import type { ObjectStore } from '../../../src/world.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import { openMirrorRig, history, mirror, restored, type MirrorRig } from '../../rigs/mirror.ts';
import { md5Of } from '../../../src/ports/etags.ts';
import { intercept } from '../../rigs/intercept.ts';

const mebi = 2 ** 20;
const seeded = (objects: Readonly<Record<string, string>>): FakeObjectStore => {
  const store = new FakeObjectStore({ description: 'bucket mlpipeline at http://minio.test' });
  for (const [key, content] of Object.entries(objects)) store.seed(key, content);
  return store;
};

/** Stores an object in parts, as another client would have done. */
const seedParts = (store: FakeObjectStore, key: string, parts: readonly Buffer[]): void => {
  store.bucket.store(key, Buffer.concat(parts), {}, parts.map(md5Of));
};

/** A store that tells the sizes of parts, as MinIO and AWS do. */
class PartTellingStore extends FakeObjectStore {
  partSize = 5 * mebi;

  override async head(
    key: string,
    options?: { readonly part?: number },
  ): ReturnType<ObjectStore['head']> {
    const found = await super.head(key);
    return found && options?.part !== undefined ? { ...found, size: this.partSize } : found;
  }
}

/** Counts the calls that a server would see. */
const counted = (store: FakeObjectStore): ReadonlyMap<string, number> => {
  const calls = new Map<string, number>();
  const count = (name: string): void => {
    calls.set(name, (calls.get(name) ?? 0) + 1);
  };
  for (const name of ['head', 'get', 'put', 'copy', 'tags', 'startParts'] as const) {
    const original = store[name].bind(store) as (...parameters: never[]) => unknown;
    Object.defineProperty(store, name, {
      value: (...parameters: never[]) => {
        count(name);
        return original(...parameters);
      },
    });
  }
  return calls;
};

const assertMirrored = (rig: MirrorRig<FakeObjectStore>): void => {
  for (const [key, object] of rig.from.objects)
    assert.deepEqual(rig.to.bucket.get(mirror + key).bytes, object.bytes, key);
};

describe('copying a bucket', () => {
  it('copies every object, whatever its key is, and lists it as the source has it', async () => {
    const keys = [
      'a//b',
      '../x',
      'trail/',
      'ü €',
      'a+b %20',
      '\u{1f680}',
      '\ue000',
      'tab\t\n',
      ' ',
    ];
    const from = seeded(Object.fromEntries(keys.map((key) => [key, `content of ${key}`])));
    from.seed('empty', '');
    await using rig = await openMirrorRig(from);
    const pass = await rig.pass();
    assertMirrored(rig);
    assert.deepEqual(
      await rig.list(),
      [...from.objects.values()].map(({ key, size, etag, lastModified }) => ({
        key,
        size,
        etag,
        lastModified: lastModified.toISOString(),
        metadata: {},
      })),
    );
    assert.equal(pass.listed, keys.length + 1);
    assert.equal(pass.copied, keys.length + 1);
    assert.equal(pass.bytes, pass.bytesCopied);
  });

  it('asks for no more than one GET and one PUT for each object, and for nothing when nothing changed', async () => {
    const from = seeded(
      Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`k${index}`, `${index}`])),
    );
    await using rig = await openMirrorRig(from);
    const ofSource = counted(from);
    const ofTarget = counted(rig.to);
    await rig.pass();
    assert.deepEqual([...ofSource], [['get', 40]]);
    assert.deepEqual([...ofTarget], [['put', 40]]);
    const second = await rig.pass();
    assert.equal(second.unchanged, 40);
    assert.deepEqual([...ofSource], [['get', 40]]);
    assert.deepEqual([...ofTarget], [['put', 40]]);
  });

  it('sees a rewrite of the same size, and keeps the version that it replaces', async () => {
    const from = seeded({ a: 'one', b: 'unchanged' });
    await using rig = await openMirrorRig(from);
    await rig.pass();
    const [line] = await rig.list();
    from.seed('a', 'two');
    const pass = await rig.pass();
    assert.equal(pass.copied, 1);
    assert.equal(pass.archived, 1);
    assert.equal(pass.unchanged, 1);
    assertMirrored(rig);
    assert.equal(rig.to.bucket.get(`${history}a/${md5Of('one')}`).bytes.toString(), 'one');
    assert.equal(restored(rig.to, line!).toString(), 'one');
  });

  it('sees a rewrite of the same size under the ETag that MinIO gives to objects without a metadata file', async () => {
    const constant = `${'0'.repeat(32)}-1`;
    let now = new Date('2026-11-21T20:00:00Z');
    const from = new FakeObjectStore({ now: () => now });
    const write = (content: string): void => {
      Object.assign(from.seed('file', content), { etag: constant });
    };
    await using bucket = await openMirrorRig(from);
    write('one');
    await bucket.pass();
    assert.equal((await bucket.pass()).copied, 0);
    const first = await bucket.list();
    now = new Date('2026-11-21T21:00:00Z');
    write('two');
    assert.equal((await bucket.pass()).copied, 1);
    assert.equal(restored(bucket.to, (await bucket.list())[0]!).toString(), 'two');
    assert.equal(restored(bucket.to, first[0]!).toString(), 'one');
  });

  it('takes over new tags and metadata of an object whose bytes are the same, and leaves a mere rewrite alone', async () => {
    let now = new Date('2026-11-21T20:00:00Z');
    const from = new FakeObjectStore({ now: () => now });
    await using bucket = await openMirrorRig(from);
    const metadata = { contentType: 'text/plain', user: { run: '1' }, tags: { team: 'red' } };
    from.seed('key', 'same', metadata);
    await bucket.pass();
    for (const [changed, copied] of [
      [{ ...metadata, tags: { team: 'blue' } }, 1],
      [{ ...metadata, contentType: 'text/html' }, 1],
      [{ ...metadata, contentType: 'text/html', user: { run: '2' } }, 1],
      [{ ...metadata, contentType: 'text/html', user: { run: '2' } }, 0],
    ] as const) {
      now = new Date(now.getTime() + 60_000);
      from.seed('key', 'same', changed);
      assert.equal((await bucket.pass()).copied, copied, JSON.stringify(changed));
      assert.deepEqual(bucket.to.bucket.get(`${mirror}key`).metadata, changed);
      assert.equal((await bucket.pass()).copied, 0);
    }
  });

  it('keeps nothing of what it replaces while there is no set', async () => {
    const from = seeded({ a: 'one' });
    await using rig = await openMirrorRig(from);
    await rig.pass({ archive: false });
    from.seed('a', 'two');
    const pass = await rig.pass({ archive: false });
    assert.equal(pass.archived, 0);
    assert.deepEqual([...rig.to.objects.keys()], [`${mirror}a`]);
  });

  it('deletes nothing, and keeps what comes back under the key of something deleted', async () => {
    const from = seeded({ a: 'one', b: 'b', c: 'c' });
    await using rig = await openMirrorRig(from);
    await rig.pass();
    const [line] = await rig.list();
    from.bucket.remove('a');
    assert.equal((await rig.pass()).listed, 2);
    from.seed('a', 'another');
    assert.equal((await rig.pass()).archived, 1);
    assert.equal(restored(rig.to, line!).toString(), 'one');
  });

  it('mends a mirror that does not have what the last list says', async () => {
    const from = seeded({ a: 'one', b: 'two', c: 'three' });
    await using rig = await openMirrorRig(from);
    await rig.pass();
    rig.to.bucket.remove(`${mirror}a`);
    rig.to.seed(`${mirror}b`, 'bad');
    const pass = await rig.pass();
    assert.equal(pass.copied, 2);
    assertMirrored(rig);
  });

  it('does not copy again what an interrupted pass has copied', async () => {
    const from = seeded({ a: 'one', b: 'two', c: 'three' });
    await using rig = await openMirrorRig(from);
    rig.to.failNext('put', new CharmError('store-unreachable', 'It is away.'), 1000);
    rig.to.seed(`${mirror}a`, 'one');
    await assert.rejects(rig.pass(), ObjectsFailed);
    rig.to.seed(`${mirror}b`, 'two');
    await rig.to[Symbol.asyncDispose]();
    const pass = await rig.pass();
    assert.equal(pass.unchanged, 2);
    assert.equal(pass.copied, 1);
  });

  it('brings metadata and tags along as they were', async () => {
    const from = seeded({});
    const metadata = {
      contentType: 'text/html; charset=utf-8',
      contentEncoding: 'gzip',
      contentDisposition: 'attachment; filename="x"',
      contentLanguage: 'de',
      cacheControl: 'no-cache',
      expires: 'Thu, 01 Dec 2033 16:00:00 GMT',
      user: { run: 'a b', émile: 'x' },
      tags: { team: 'ml & co', stage: 'prod' },
    };
    from.seed('a', 'one', metadata);
    from.seed('large', Buffer.alloc(2 * mebi), metadata);
    seedParts(from, 'parts', [Buffer.alloc(5 * mebi), Buffer.alloc(10)]);
    from.bucket.store('parts', from.bucket.get('parts').bytes, metadata, [
      md5Of(Buffer.alloc(5 * mebi)),
      md5Of(Buffer.alloc(10)),
    ]);
    await using rig = await openMirrorRig(from);
    await rig.pass();
    for (const key of ['a', 'large', 'parts'])
      assert.deepEqual(rig.to.bucket.get(mirror + key).metadata, metadata);
  });
});

describe('copying large objects', () => {
  it('streams an object in one PUT', async () => {
    const from = seeded({});
    from.seed('large', Buffer.alloc(20 * mebi, 'x'));
    await using rig = await openMirrorRig(from);
    const calls = counted(rig.to);
    await rig.pass();
    assertMirrored(rig);
    assert.deepEqual([...calls], [['put', 1]]);
  });

  it('keeps the layout of parts that the source tells, so that the ETags are the same', async () => {
    const from = new PartTellingStore();
    from.partSize = 6 * mebi;
    seedParts(from, 'parts', [
      Buffer.alloc(6 * mebi, 'a'),
      Buffer.alloc(6 * mebi, 'b'),
      Buffer.alloc(6 * mebi, 'c'),
      Buffer.alloc(3, 'd'),
    ]);
    await using rig = await openMirrorRig(from);
    await rig.pass();
    assertMirrored(rig);
    assert.equal(rig.to.bucket.get(`${mirror}parts`).etag, from.bucket.get('parts').etag);
    const [line] = await rig.list();
    assert.equal(line?.mirrorEtag, undefined);
    assert.equal(line?.sha256, undefined);
  });

  it('guesses the layout where the source does not tell it', async () => {
    const from = seeded({});
    seedParts(from, 'parts', [
      Buffer.alloc(8 * mebi, 'a'),
      Buffer.alloc(8 * mebi, 'b'),
      Buffer.alloc(1),
    ]);
    await using rig = await openMirrorRig(from);
    await rig.pass();
    assert.equal(rig.to.bucket.get(`${mirror}parts`).etag, from.bucket.get('parts').etag);
  });

  for (const [what, store] of [
    ['cannot be guessed', new FakeObjectStore()],
    ['is not what the source tells', new PartTellingStore()],
  ] as const)
    it(`lists the mirror’s own ETag and a digest of the whole where the layout ${what}`, async () => {
      // The first part is the largest, so nothing regular gives these three.
      const parts = [Buffer.alloc(9 * mebi, 'a'), Buffer.alloc(5 * mebi, 'b'), Buffer.alloc(1)];
      seedParts(store, 'parts', parts);
      await using rig = await openMirrorRig(store);
      await rig.pass();
      assertMirrored(rig);
      const [line] = await rig.list();
      assert.equal(line?.etag, store.bucket.get('parts').etag);
      assert.equal(line.mirrorEtag, rig.to.bucket.get(`${mirror}parts`).etag);
      assert.notEqual(line.mirrorEtag, line.etag);
      assert.equal(line.sha256, createHash('sha256').update(Buffer.concat(parts)).digest('hex'));
      const second = await rig.pass();
      assert.equal(second.unchanged, 1);
      assert.deepEqual(await rig.list(), [line]);
    });

  it('copies an object of one part in one piece, and knows it again from the ETags alone', async () => {
    const from = seeded({});
    seedParts(from, 'small', [Buffer.from('x')]);
    seedParts(from, 'large', [Buffer.alloc(3 * mebi)]);
    await using rig = await openMirrorRig(from);
    await rig.pass();
    const lines = await rig.list();
    assert.equal(lines[1]?.mirrorEtag, md5Of('x'));
    const again = await rig.pass({ baseline: undefined });
    assert.equal(again.unchanged, 2);
    assert.deepEqual(await rig.list(), lines);
  });

  it('aborts the upload when a part cannot be copied, and those that a killed pass left', async () => {
    const from = new PartTellingStore();
    seedParts(from, 'parts', [Buffer.alloc(5 * mebi), Buffer.alloc(5 * mebi), Buffer.alloc(1)]);
    await using rig = await openMirrorRig(from);
    const left = await rig.to.startParts(`${mirror}old`, {});
    await left.put(1, Buffer.alloc(3), 3);
    const elsewhere = await rig.to.startParts('other/upload', {});
    rig.to.failNext('part', new CharmError('store-unreachable', 'It is away.'), 1000);
    await assert.rejects(rig.pass(), ObjectsFailed);
    assert.deepEqual([...rig.to.bucket.uploads.keys()], [elsewhere.uploadId]);
  });
});

describe('copying what changes', () => {
  it('reads an object that changes while it is read again, and lists it as it is then', async () => {
    const from = seeded({ a: 'old' });
    await using rig = await openMirrorRig(from);
    from.failNext('get', new CharmError('object-changed', 'It has changed.'));
    intercept(from, 'head', (original) => async (key) => {
      from.seed('a', 'a new one');
      return original(key);
    });
    await rig.pass();
    const [line] = await rig.list();
    assert.equal(line?.etag, md5Of('a new one'));
    assert.equal(line.size, 9);
    assertMirrored(rig);
  });

  it('leaves out an object that vanishes, and counts it', async () => {
    const from = seeded({ a: 'a', b: 'b', c: 'c' });
    await using rig = await openMirrorRig(from);
    intercept(from, 'get', (original) => async (key, options) => {
      if (key === 'b') from.bucket.remove('b');
      return original(key, options);
    });
    const pass = await rig.pass();
    assert.equal(pass.vanished, 1);
    assert.equal(pass.listed, 2);
    assert.deepEqual(
      (await rig.list()).map(({ key }) => key),
      ['a', 'c'],
    );
  });

  it('fails an object that is still there although a read says that it is missing', async () => {
    const from = seeded({ a: 'a', b: 'b' });
    await using rig = await openMirrorRig(from);
    rig.to.failNext('put', new CharmError('object-missing', 'No such upload.'), 100);
    await assert.rejects(rig.pass(), ObjectsFailed);
  });
});

describe('proving a copy', () => {
  it('finds out that a server stored something else although it said that all was well', async () => {
    const from = seeded({ a: 'content' });
    await using rig = await openMirrorRig(from);
    const store = rig.to.bucket.store.bind(rig.to.bucket);
    rig.to.bucket.store = (key, bytes) => store(key, Buffer.from(bytes.toString().toUpperCase()));
    await assert.rejects(rig.pass(), (error) => {
      assert.ok(error instanceof ObjectsFailed);
      assert.match(error.message, /did not store p\/mlpipeline\/a as it was sent/);
      return true;
    });
  });

  it('believes other ETags of a target that encrypts, once it has read an object back', async () => {
    const from = seeded({ a: 'one', b: 'two', c: 'three' });
    await using rig = await openMirrorRig(from);
    const reads = counted(rig.to);
    const store = rig.to.bucket.store.bind(rig.to.bucket);
    rig.to.bucket.store = (key, bytes, metadata) =>
      // Like a key service's, these ETags look like an MD5 but are not one.
      Object.assign(store(key, bytes, metadata), { etag: md5Of(`encrypted ${key}`) });
    const pass = await rig.pass({ transfers: 1 });
    assert.equal(pass.copied, 3);
    assert.equal(reads.get('get'), 1);
    const [line] = await rig.list();
    assert.equal(line?.etag, md5Of('one'));
    assert.equal(line.mirrorEtag, md5Of(`encrypted ${mirror}a`));
    assert.equal((await rig.pass()).unchanged, 3);
  });

  it('copies objects whose ETag is no MD5 although it looks like one, after reading them twice', async () => {
    const from = seeded({});
    for (const [key, bytes] of [
      ['small', Buffer.from('x')],
      ['large', Buffer.alloc(2 * mebi)],
    ] as const)
      Object.assign(from.seed(key, bytes), { etag: md5Of(`encrypted ${key}`) });
    Object.assign(from.seed('opaque', 'o'), { etag: 'some-other-thing' });
    await using rig = await openMirrorRig(from);
    const pass = await rig.pass();
    assert.equal(pass.copied, 3);
    assertMirrored(rig);
    assert.equal((await rig.pass()).unchanged, 3);
  });

  it('does not accept content that differs each time it is read', async () => {
    const from = seeded({ a: 'aaaa' });
    await using rig = await openMirrorRig(from);
    let reads = 0;
    intercept(from, 'get', (original) => async (key, options) => {
      const content = await original(key, options);
      reads += 1;
      content.body.destroy();
      return { ...content, body: Readable.from([Buffer.from(`bad${reads % 10}`)]) };
    });
    await assert.rejects(rig.pass(), /different content for a each time/);
  });
});

describe('refusing and failing', () => {
  it('refuses an empty source by name, unless that is allowed or was so before', async () => {
    await using rig = await openMirrorRig(seeded({}));
    await assert.rejects(rig.pass(), (error) => {
      assert.ok(hasCode(error, 'source-shrunk'));
      assert.match(error.message, /mlpipeline.*is empty.*allow-shrink=true/);
      return true;
    });
    await assert.rejects(rig.pass({ previousCount: 5 }), /is empty, and the last .* had 5/);
    assert.equal((await rig.pass({ previousCount: 0 })).listed, 0);
    assert.equal((await rig.pass({ previousCount: 5, allowShrink: true })).listed, 0);
    assert.deepEqual(await rig.list(), []);
  });

  it('refuses a source with less than half of what the last set has, with both numbers', async () => {
    await using rig = await openMirrorRig(seeded({ a: 'a', b: 'b' }));
    await assert.rejects(rig.pass({ previousCount: 5 }), /has only 2 objects.* had 5/);
    assert.equal((await rig.pass({ previousCount: 4 })).listed, 2);
    assert.equal((await rig.pass({ previousCount: 5, allowShrink: true })).listed, 2);
  });

  it('tries what failed again at the end', async () => {
    const from = seeded({ a: 'a', b: 'b', c: 'c' });
    from.seed('large', Buffer.alloc(2 * mebi));
    await using rig = await openMirrorRig(from);
    rig.to.failNext('put', new CharmError('store-unreachable', 'It is away.'), 4);
    from.failNext('body', new Error('cut short'), 1);
    const pass = await rig.pass();
    assert.equal(pass.copied, 4);
    assertMirrored(rig);
    assert.deepEqual(
      (await rig.list()).map(({ key }) => key),
      ['a', 'b', 'c', 'large'],
    );
  });

  it('names three of the objects that still fail, and hands over all of them', async () => {
    const from = seeded(
      Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`key-${index}`, 'x'])),
    );
    from.seed('good', 'y');
    await using rig = await openMirrorRig(from);
    intercept(from, 'get', (original) => async (key, options) => {
      if (key.startsWith('key-')) throw new CharmError('store-denied', `You may not read ${key}.`);
      return original(key, options);
    });
    await assert.rejects(rig.pass(), (error) => {
      assert.ok(error instanceof ObjectsFailed);
      assert.match(error.message, /^30 objects of the bucket mlpipeline/);
      assert.match(error.message, /: key-0, key-1, key-10 and 27 more\. The cause of 1 of them: /);
      assert.match(error.message, /What was copied stays/);
      assert.equal(error.failed.length, 30);
      return true;
    });
    assert.ok(rig.to.bucket.find(`${mirror}good`));
  });

  it('gives up when everything fails, instead of trying every object of a large bucket', async () => {
    const from = seeded(
      Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`key-${index}`, 'x'])),
    );
    await using rig = await openMirrorRig(from);
    rig.to.failNext('put', new CharmError('store-denied', 'You may not write.'), 10_000);
    await assert.rejects(rig.pass(), (error) => {
      assert.ok(error instanceof ObjectsFailed);
      assert.ok(error.failed.length < 200);
      assert.match(error.message, /given up/);
      return true;
    });
  });

  it('names a key that is too long for the target, and keeps what replaces one that just fits', async () => {
    const long = 'x'.repeat(1015);
    const from = seeded({ a: 'a', [long]: 'b' });
    await using rig = await openMirrorRig(from);
    await assert.rejects(rig.pass(), /would have 1028 bytes/);
    from.bucket.remove(long);
    const replaced = 'y'.repeat(1000);
    from.seed(replaced, 'one');
    await rig.pass();
    const [, before] = await rig.list();
    from.seed(replaced, 'two');
    await rig.pass();
    assert.equal(rig.to.bucket.get(mirror + replaced).bytes.toString(), 'two');
    const kept = await findVersion(rig.to, { mirror, history }, before!);
    assert.equal(rig.to.bucket.get(kept!.key).bytes.toString(), 'one');
    assert.ok(kept!.key.startsWith(`${history}yyy`));
  });

  for (const which of ['from', 'to'] as const)
    it(`fails when the listing of ${which === 'from' ? 'the source' : 'the mirror'} fails, and takes nothing for missing`, async () => {
      const from = seeded({ a: 'a', b: 'b' });
      await using rig = await openMirrorRig(from);
      await rig.pass();
      from.seed('a', 'c');
      rig[which].failNext('list', new CharmError('store-unreachable', 'It is away.'));
      await assert.rejects(rig.pass(), /It is away/);
      assert.equal(rig.to.bucket.get(`${mirror}a`).bytes.toString(), 'a');
    });

  it('fails when a listing is not in order', async () => {
    const from = seeded({ a: 'a', b: 'b' });
    await using rig = await openMirrorRig(from);
    intercept(
      from,
      'list',
      () =>
        async function* () {
          yield* [...from.objects.values()].reverse();
        },
    );
    await assert.rejects(rig.pass(), /names "a" after "b"/);
  });

  it('fails when the last list is damaged', async () => {
    await using rig = await openMirrorRig(seeded({ a: 'a', b: 'b' }));
    const baseline = readObjectList(Readable.from([Buffer.from('no gzip')]), 'of the last set');
    await assert.rejects(
      rig.pass({ baseline }),
      /object list of the last set cannot be read after line 0/,
    );
  });

  it('ends when it is told to, with the reason, and waits for what is in flight', async () => {
    const from = seeded(
      Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`key-${index}`, 'x'])),
    );
    await using rig = await openMirrorRig(from);
    const stop = new AbortController();
    let reads = 0;
    intercept(from, 'get', (original) => async (key, options) => {
      reads += 1;
      if (reads === 20) stop.abort(new CharmError('interrupted', 'Juju wants us to stop.'));
      return original(key, options);
    });
    await assert.rejects(rig.pass({ signal: stop.signal }), /Juju wants us to stop/);
    const after = rig.to.objects.size;
    await new Promise(setImmediate);
    assert.equal(rig.to.objects.size, after);
    assert.ok(after < 100);
  });
});

describe('the pace and the progress of a copy', () => {
  it('holds the bandwidth with small and large objects alike', async () => {
    const from = seeded({});
    for (let index = 0; index < 20; index += 1) from.seed(`small-${index}`, Buffer.alloc(50_000));
    from.seed('large', Buffer.alloc(3 * mebi));
    await using rig = await openMirrorRig(from);
    const clock = new FakeClock();
    const rate = 100_000;
    const bandwidth = createBandwidth([{ minute: 0, bytesPerSecond: rate }], clock);
    const pass = await rig.pass({ clock, bandwidth });
    const expected = (20 * 50_000 + 3 * mebi) / rate;
    assert.ok(
      Math.abs(pass.seconds - expected) < expected * 0.03,
      `${pass.seconds}, not ${expected}`,
    );
    assertMirrored(rig);
  });

  it('tells what is done, to do and under way', async () => {
    const from = seeded({ a: 'aaaa', b: 'bb', c: 'c' });
    await using rig = await openMirrorRig(from);
    await rig.pass();
    from.seed('b', 'BB');
    const progress = new ProgressOfBucket(rig.options.clock);
    intercept(from, 'get', (original) => async (key, options) => {
      await rig.options.clock.sleep(40_000);
      const { slowest } = progress.snapshot();
      assert.equal(slowest[0]?.key, 'b');
      assert.ok(slowest[0].seconds >= 40);
      return original(key, options);
    });
    await rig.pass({ progress });
    const { objectsDone, objectsTotal, bytesDone, bytesTotal, secondsLeft, copied } =
      progress.snapshot();
    assert.deepEqual(
      { objectsDone, objectsTotal, bytesDone, bytesTotal, secondsLeft, copied },
      { objectsDone: 3, objectsTotal: 3, bytesDone: 7, bytesTotal: 7, secondsLeft: 0, copied: 1 },
    );
  });
});
