import assert from 'node:assert/strict';
import { intercept } from '../../rigs/intercept.ts';
import { history, mirror } from '../../rigs/mirror.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import type { FakeObject } from '../../fakes/object-store-bucket.ts';
import { CharmError } from '../../../src/errors.ts';
import { rejectsWithCode } from '../../rejects-with-code.ts';
import { storedBucket, type StoredBucket } from '../../rigs/stored-bucket.ts';
import { md5Of } from '../../../src/ports/etags.ts';

const mebi = 2 ** 20;
/** Everything about the objects of a bucket that a restore has to bring back. */
const picture = (store: FakeObjectStore): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    [...store.objects].map(([key, { etag, size, bytes, metadata }]) => [
      key,
      { etag, size, content: md5Of(bytes), metadata },
    ]),
  );

/** A bucket that encrypts with a key service, from the moment on at which it is told to. */
class EncryptingStore extends FakeObjectStore {
  encrypts: boolean;
  readonly written: string[] = [];

  constructor(encrypts = true) {
    super({ description: 'bucket mlpipeline at http://minio.test' });
    this.encrypts = encrypts;
    const store = this.bucket.store.bind(this.bucket);
    this.bucket.store = (key, bytes, metadata, parts): FakeObject => {
      const object = store(key, bytes, metadata, parts);
      this.written.push(key);
      if (this.encrypts) Object.assign(object, { etag: object.etag.replace(/^..../, 'ffff') });
      return object;
    };
  }
}

const seedSome = ({ from }: StoredBucket): void => {
  from.seed('artifacts/ü +%.log', 'a log', {
    contentType: 'text/plain',
    user: { run: '1' },
    tags: { team: 'red' },
  });
  from.seed('empty', '');
  from.seed('pipelines/1', 'a pipeline');
  from.seed('pipelines/2', 'another pipeline');
  const parts = [Buffer.alloc(5 * mebi, 'a'), Buffer.alloc(5 * mebi, 'b'), Buffer.from('end')];
  from.bucket.store('big', Buffer.concat(parts), { user: { big: 'yes' } }, parts.map(md5Of));
  const one = [Buffer.from('one part only')];
  from.bucket.store('one-part', Buffer.concat(one), {}, one.map(md5Of));
};

describe('bringing a bucket back', () => {
  it('gives every object back as it was: bytes, ETag, parts, metadata and tags', async () => {
    await using bucket = await storedBucket();
    seedSome(bucket);
    const before = picture(bucket.from);
    const backup = await bucket.backUp();
    for (const key of bucket.from.objects.keys()) bucket.from.bucket.remove(key);

    const done = await bucket.restore(backup);

    assert.equal(done.copied, 6);
    const after = picture(bucket.from);
    assert.deepEqual(Object.keys(after), Object.keys(before));
    for (const key of Object.keys(before).filter((name) => name !== 'one-part'))
      assert.deepEqual(after[key], before[key]);
    assert.equal(bucket.from.objects.get('one-part')?.bytes.toString(), 'one part only');
  });

  it('passes over what is there already, and over what an earlier attempt brought back', async () => {
    await using bucket = await storedBucket();
    seedSome(bucket);
    const backup = await bucket.backUp();
    bucket.from.bucket.remove('pipelines/1');

    assert.equal((await bucket.restore(backup)).copied, 1);
    const again = await bucket.restore(backup);

    assert.equal(again.copied, 0);
    assert.equal(again.objects, 6);
  });

  it('leaves an object where it is whose ETag says nothing, when its bytes are those of the set', async () => {
    await using bucket = await storedBucket();
    bucket.from.seed('below/a-directory', 'an object that MinIO found without a metadata file');
    const object = bucket.from.bucket.get('below/a-directory');
    Object.assign(object, { etag: `${'0'.repeat(32)}-1` });
    const backup = await bucket.backUp();

    const done = await bucket.restore(backup);

    assert.deepEqual([done.objects, done.copied], [1, 0]);
  });

  it('looks again at what it replaces after a write whose answer was lost', async () => {
    await using bucket = await storedBucket();
    const { from } = bucket;
    from.seed('pipelines/1', 'one');
    const backup = await bucket.backUp();
    from.seed('pipelines/1', 'two');
    let lost = 0;
    intercept(from, 'put', (original) => async (...words: Parameters<typeof original>) => {
      await original(...words);
      lost += 1;
      throw new CharmError('store-unreachable', 'The connection was closed.');
    });
    const done = await bucket.restore(backup);
    assert.equal(from.objects.get('pipelines/1')?.bytes.toString(), 'one');
    assert.deepEqual([lost, done.objects, done.copied], [1, 1, 0]);
  });

  it('brings an older set back after objects were replaced and deleted in between', async () => {
    await using bucket = await storedBucket();
    seedSome(bucket);
    const before = picture(bucket.from);
    const first = await bucket.backUp();
    bucket.from.seed('pipelines/1', 'rewritten', { tags: { team: 'blue' } });
    bucket.from.seed('artifacts/ü +%.log', 'a gol', { tags: { team: 'blue' } });
    bucket.from.bucket.remove('pipelines/2');
    bucket.from.seed('pipelines/3', 'a new one');
    await bucket.backUp();
    bucket.from.seed('pipelines/1', 'rewritten once more');
    await bucket.backUp();

    const { extra } = await bucket.restore(first, { deleteExtra: true });

    assert.equal(extra, 1);
    const after = picture(bucket.from);
    assert.deepEqual(Object.keys(after), Object.keys(before));
    for (const key of Object.keys(before)) assert.deepEqual(after[key], before[key]);
  });

  it('gives an object back what belonged to it then, although only that was changed since, before and after another set', async () => {
    let time = Date.now();
    const source = new FakeObjectStore({ now: () => new Date((time += 1000)) });
    await using bucket = await storedBucket(source);
    seedSome(bucket);
    const key = 'artifacts/ü +%.log';
    const before = picture(bucket.from);
    const older = await bucket.backUp();
    bucket.from.seed(key, 'a log', {
      contentType: 'text/html',
      user: { run: '2' },
      tags: { team: 'blue' },
    });
    const changed = picture(bucket.from);
    assert.equal((await bucket.restore(older)).copied, 1);
    assert.deepEqual(picture(bucket.from)[key], before[key]);
    bucket.from.seed(key, 'a log', {
      contentType: 'text/html',
      user: { run: '2' },
      tags: { team: 'blue' },
    });
    const newer = await bucket.backUp();
    for (const [backup, expected] of [
      [older, before],
      [newer, changed],
      [older, before],
    ] as const) {
      await bucket.restore(backup);
      assert.deepEqual(picture(bucket.from)[key], expected[key]);
    }
    assert.equal((await bucket.restore(older)).copied, 0);
  });

  it('keeps what the set does not know unless it is told to delete it', async () => {
    await using bucket = await storedBucket();
    seedSome(bucket);
    const backup = await bucket.backUp();
    bucket.from.seed('later', 'made after the backup');

    assert.equal((await bucket.restore(backup)).extra, 1);
    assert.ok(bucket.from.objects.has('later'));
    await bucket.restore(backup, { deleteExtra: true });
    assert.ok(!bucket.from.objects.has('later'));
    assert.equal(bucket.from.objects.size, 6);
  });

  it('names an object whose backup is gone, and brings the others back', async () => {
    await using bucket = await storedBucket();
    seedSome(bucket);
    const backup = await bucket.backUp();
    for (const key of ['pipelines/1', 'pipelines/2']) bucket.from.bucket.remove(key);
    bucket.to.bucket.remove(`${mirror}pipelines/1`);

    const error = await rejectsWithCode(bucket.restore(backup), 'objects-failed');

    assert.match(
      error.message,
      /^1 object .*: pipelines\/1\. The cause: its backup is neither at /,
    );
    assert.ok(bucket.from.objects.has('pipelines/2'));
  });

  it('names an object that was damaged where it lies, which no listing tells', async () => {
    for (const size of [10, 6 * mebi]) {
      await using bucket = await storedBucket();
      bucket.from.seed('key', Buffer.alloc(size, 1));
      const backup = await bucket.backUp();
      bucket.from.bucket.remove('key');
      const { bytes } = bucket.to.bucket.get(`${mirror}key`);
      bytes[3] = 0xff;
      const { message } = await rejectsWithCode(bucket.restore(backup), 'objects-failed');
      assert.match(message, /: key\. The cause: its backup is damaged\./);
    }
  });

  it('does not take a mirror or a history for the backup that has other bytes', async () => {
    await using bucket = await storedBucket();
    bucket.from.seed('key', 'first');
    const backup = await bucket.backUp();
    const { etag } = bucket.from.bucket.get('key');
    bucket.from.bucket.remove('key');
    bucket.to.seed(`${mirror}key`, 'other');
    bucket.to.seed(`${history}key/${etag}`, 'wrong');

    await rejectsWithCode(bucket.restore(backup), 'objects-failed');

    assert.ok(!bucket.from.objects.has('key'));
  });

  it('tries again what failed, and needs no second run when that helps', async () => {
    await using bucket = await storedBucket();
    seedSome(bucket);
    const backup = await bucket.backUp();
    for (const key of bucket.from.objects.keys()) bucket.from.bucket.remove(key);
    bucket.from.failNext('put', new CharmError('store-unreachable', 'MinIO is away'), 2);

    assert.equal((await bucket.restore(backup)).copied, 6);
  });

  it('restores from a target whose ETags are no MD5s', async () => {
    await using bucket = await storedBucket(undefined, new EncryptingStore());
    seedSome(bucket);
    const before = picture(bucket.from);
    const backup = await bucket.backUp();
    for (const key of bucket.from.objects.keys()) bucket.from.bucket.remove(key);

    await bucket.restore(backup);

    const after = picture(bucket.from);
    for (const key of ['artifacts/ü +%.log', 'big', 'empty'])
      assert.deepEqual(after[key], before[key]);
  });

  it('restores into a bucket that encrypts by now, and passes over by its bytes what is there', async () => {
    const from = new EncryptingStore(false);
    await using bucket = await storedBucket(from);
    seedSome(bucket);
    const contents = new Map([...from.objects].map(([key, { bytes }]) => [key, md5Of(bytes)]));
    const backup = await bucket.backUp();
    for (const key of from.objects.keys()) from.bucket.remove(key);
    from.encrypts = true;

    assert.equal((await bucket.restore(backup)).copied, 6);
    for (const [key, content] of contents) assert.equal(md5Of(from.bucket.get(key).bytes), content);

    from.seed('pipelines/1', 'A PIPELINE');
    from.written.length = 0;
    assert.equal((await bucket.restore(backup)).copied, 1);
    assert.deepEqual(from.written, ['pipelines/1']);
    assert.equal(from.bucket.get('pipelines/1').bytes.toString(), 'a pipeline');
  });

  it('brings the rest back when it may, and tells what is lost or damaged', async () => {
    await using bucket = await storedBucket();
    seedSome(bucket);
    for (let index = 0; index < 60; index += 1) bucket.from.seed(`lost/${index}`, `lost ${index}`);
    const backup = await bucket.backUp();
    for (const key of bucket.from.objects.keys()) bucket.from.bucket.remove(key);
    for (let index = 0; index < 60; index += 1) bucket.to.bucket.remove(`${mirror}lost/${index}`);
    bucket.to.bucket.get(`${mirror}pipelines/1`).bytes[3] = 0xff;

    const { lost, exceptions } = await bucket.restore(backup, { allowDamaged: true });

    assert.equal(lost.count, 61);
    assert.equal(lost.first.length, 61);
    const listed = await Array.fromAsync(exceptions());
    const keys = listed.filter(({ mirrorEtag }) => mirrorEtag === '').map(({ key }) => key);
    assert.equal(keys.length, 61);
    assert.ok(keys.includes('pipelines/1'));
    for (const key of ['big', 'empty', 'pipelines/2', 'artifacts/ü +%.log'])
      assert.ok(bucket.from.objects.has(key), key);
    await rejectsWithCode(bucket.restore(backup), 'objects-failed');
  });

  it('needs memory for what is under way only, not for the bucket', async () => {
    await using bucket = await storedBucket();
    for (let index = 0; index < 12_000; index += 1) bucket.from.seed(`key-${index}`, 'x');
    const backup = await bucket.backUp();
    for (let index = 0; index < 100; index += 1) bucket.from.bucket.remove(`key-${index}`);
    const set = bucket.open(backup);
    const alive = new Set<string>();
    let most = 0;

    await bucket.restore(backup, {
      set: {
        ...set,
        list: async function* () {
          for await (const object of set.list()) {
            alive.add(object.key);
            most = Math.max(most, alive.size);
            yield object;
          }
        },
        forget: (key) => {
          alive.delete(key);
          set.forget(key);
        },
      },
    });

    assert.equal(alive.size, 0);
    assert.ok(most < 5000, `${most} of 12000 objects were remembered`);
  });
});
