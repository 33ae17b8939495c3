import assert from 'node:assert/strict';
import { openS3 } from '../../../src/adapters/s3/s3.ts';
import { CharmError } from '../../../src/errors.ts';
import { md5Of } from '../../../src/ports/etags.ts';
import type { ObjectMetadata, PutOptions } from '../../../src/world.ts';
import { quickClock } from '../../fakes/fast-clock.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import { openMirrorRigBetween, mirror } from '../../rigs/mirror.ts';
import { storedBucket } from '../../rigs/stored-bucket.ts';
import { rejectsWithCode } from '../../rejects-with-code.ts';
import type { S3ProfileName } from '../../servers/s3/profiles.ts';
import { startS3Server, testUser } from '../../servers/s3/server.ts';

const mebi = 2 ** 20;
const tags = { team: 'ml & co', 'of run': 'ü' };

/** As Cloudflare R2. */
class StoreWithoutTags extends FakeObjectStore {
  override put(...[key, body, options]: Parameters<FakeObjectStore['put']>) {
    this.#refuse(options);
    return super.put(key, body, options);
  }

  override startParts(key: string, metadata: Partial<ObjectMetadata>) {
    this.#refuse({ metadata });
    return super.startParts(key, metadata);
  }

  override tags(): never {
    throw refused();
  }

  #refuse({ metadata }: PutOptions = {}): void {
    if (Object.keys(metadata?.tags ?? {}).length > 0) throw refused();
  }
}

const refused = (): CharmError => new CharmError('store-refuses-tags', 'There are no tags.');

const open = async (profile: S3ProfileName) => {
  const server = await startS3Server({ profile, buckets: ['bucket'] });
  const store = openS3({
    ...{ endpoint: server.url, region: undefined, bucket: 'bucket', style: 'path' as const },
    ...{ ...testUser, clock: quickClock },
  });
  return {
    ...{ server, store },
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await server.close();
    },
  };
};

describe('the tags of objects whose copies cannot have any', () => {
  const aBucket = async () => {
    const bucket = await storedBucket(undefined, new StoreWithoutTags(), { keepsTags: false });
    const { from } = bucket;
    from.seed('plain', 'x');
    from.seed('tagged', 'y', { user: { of: 'run' }, tags });
    from.seed('large', Buffer.alloc(mebi + 1, 'l'), { tags });
    return bucket;
  };

  const tagsIn = (store: FakeObjectStore) =>
    Object.fromEntries([...store.objects].map(([key, { metadata }]) => [key, metadata.tags]));

  const all = { large: tags, plain: {}, tagged: tags };

  it('stay in the list of objects, and are given back', async () => {
    await using bucket = await aBucket();
    const backup = await bucket.backUp();
    const listed = await bucket.list();
    assert.deepEqual(
      Object.fromEntries(listed.map(({ key, tags: kept }) => [key, kept ?? {}])),
      all,
    );
    for (const key of bucket.from.objects.keys()) bucket.from.bucket.remove(key);
    await bucket.restore(backup);
    assert.deepEqual(tagsIn(bucket.from), all);
    assert.deepEqual(bucket.from.objects.get('tagged')?.metadata.user, { of: 'run' });
  });

  it('stay in the list of the next set, whose objects are not copied again', async () => {
    await using bucket = await aBucket();
    await bucket.backUp();
    const next = await bucket.pass({ keepsTags: false });
    assert.deepEqual([next.copied, next.unchanged, next.tagsListed], [0, 3, 2]);
    const listed = await bucket.list();
    assert.deepEqual(
      Object.fromEntries(listed.map(({ key, tags: kept }) => [key, kept ?? {}])),
      all,
    );
  });

  it('are asked for again when a pass was killed and its list is gone', async () => {
    await using bucket = await aBucket();
    await bucket.pass({ keepsTags: false });
    const again = await bucket.pass({ keepsTags: false, baseline: undefined });
    assert.deepEqual([again.copied, again.unchanged, again.tagsListed], [0, 3, 2]);
  });

  it('are those that an older set has, whatever the objects have by now', async () => {
    await using bucket = await aBucket();
    const first = await bucket.backUp();
    bucket.from.seed('tagged', 'z', { tags: { team: 'blue' } });
    const second = await bucket.backUp();
    await bucket.restore(first);
    assert.deepEqual(bucket.from.objects.get('tagged')?.metadata.tags, tags);
    await bucket.restore(second);
    assert.deepEqual(bucket.from.objects.get('tagged')?.metadata.tags, { team: 'blue' });
  });

  it('are what Cloudflare R2 answers 501 to, for writes, reads and parts', async () => {
    await using r2 = await open('r2');
    await rejectsWithCode(r2.store.put('a', 'x', { metadata: { tags } }), 'store-refuses-tags');
    await rejectsWithCode(r2.store.startParts('a', { tags }), 'store-refuses-tags');
    await r2.store.put('a', 'x');
    await rejectsWithCode(r2.store.tags('a'), 'store-refuses-tags');
    await using source = await open('target');
    await source.store.put('a', 'x', { metadata: { tags } });
    await using rig = await openMirrorRigBetween(source.store, r2.store);
    await rig.pass({ keepsTags: false });
    assert.deepEqual((await rig.list())[0]?.tags, tags);
    assert.equal(String(await r2.store.read(`${mirror}a`)), 'x');
  });
});

/** As MinIO after an upgrade: it has taken tags that it does not take any more. */
class UpgradedStore extends FakeObjectStore {
  isUpgraded = false;

  override put(...[key, body, options]: Parameters<FakeObjectStore['put']>) {
    this.#check(options?.metadata);
    return super.put(key, body, options);
  }

  override startParts(key: string, metadata: Partial<ObjectMetadata>) {
    this.#check(metadata);
    return super.startParts(key, metadata);
  }

  #check({ tags: given = {} }: Partial<ObjectMetadata> = {}): void {
    if (this.isUpgraded && /&/.test(Object.values(given).join())) throw refused();
  }
}

describe('tags that their own bucket does not take any more', () => {
  it('are left out and counted, and keep no object from coming back', async () => {
    const from = new UpgradedStore();
    await using bucket = await storedBucket(from);
    from.seed('fine', 'x', { tags: { team: 'ml' } });
    from.seed('small', 'y', { tags, user: { of: 'run' } });
    from.seed('streamed', Buffer.alloc(mebi + 1, 's'), { tags });
    const parts = [Buffer.alloc(5 * mebi, 'a'), Buffer.from('end')];
    from.bucket.store('in-parts', Buffer.concat(parts), { tags }, parts.map(md5Of));
    const before = [...from.objects].map(([key, { etag }]) => [key, etag]);
    const backup = await bucket.backUp();
    for (const key of from.objects.keys()) from.bucket.remove(key);
    from.isUpgraded = true;
    const done = await bucket.restore(backup);
    assert.deepEqual([done.copied, done.untagged], [4, 3]);
    assert.deepEqual(
      [...from.objects].map(([key, { etag }]) => [key, etag]),
      before,
    );
    assert.deepEqual(from.objects.get('fine')?.metadata.tags, { team: 'ml' });
    const { user, tags: left } = from.objects.get('small')?.metadata ?? {};
    assert.deepEqual([user, left], [{ of: 'run' }, {}]);
    assert.equal((await bucket.restore(backup)).copied, 0);
  });
});

describe('tags that the source cannot read', () => {
  it('keep no object from being backed up, are counted, and stand in the list', async () => {
    await using source = await open('minio-2021');
    await using target = await open('target');
    source.server.contents.put(
      'bucket',
      { key: 'spoilt', content: 'x', tags: { team: 'ml & co' } },
      { key: 'tagged', content: 'y', tags: { team: 'ml' } },
    );
    await rejectsWithCode(source.store.tags('spoilt'), 'tags-unreadable');
    await using rig = await openMirrorRigBetween(source.store, target.store);
    const first = await rig.pass();
    assert.deepEqual([first.copied, first.tagsUnreadable, first.tagsListed], [2, 1, 0]);
    const again = await rig.pass();
    assert.deepEqual([again.copied, again.tagsUnreadable], [0, 1]);
    const listed = await rig.list();
    assert.deepEqual(
      listed.map(({ key, tagsUnreadable }) => [key, tagsUnreadable]),
      [
        ['spoilt', true],
        ['tagged', undefined],
      ],
    );
    assert.deepEqual(await target.store.tags(`${mirror}spoilt`), {});
    assert.deepEqual(await target.store.tags(`${mirror}tagged`), { team: 'ml' });
  });
});
