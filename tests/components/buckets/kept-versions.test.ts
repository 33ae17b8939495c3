import assert from 'node:assert/strict';
import { rejectsWithCode } from '../../rejects-with-code.ts';
import { FakeObjectStore } from '../../fakes/object-store.ts';
import { openMirrorRig, history, mirror } from '../../rigs/mirror.ts';
import { md5Of } from '../../../src/ports/etags.ts';

const mebi = 2 ** 20;

/** A server whose copies are not what it says they are. */
class LyingStore extends FakeObjectStore {
  reads = 0;
  readonly #copyOf: (bytes: Buffer) => Buffer | undefined;
  readonly #etagOf: ((etag: string) => string) | undefined;

  constructor(copyOf: (bytes: Buffer) => Buffer | undefined, etagOf?: (etag: string) => string) {
    super();
    this.#copyOf = copyOf;
    this.#etagOf = etagOf;
  }

  override async copy(from: string, to: string): Promise<void> {
    const { bytes, metadata } = this.bucket.get(from);
    const copied = this.#copyOf(bytes);
    if (copied === undefined) return;
    const object = this.seed(to, copied, metadata);
    if (this.#etagOf) Object.assign(object, { etag: this.#etagOf(object.etag) });
  }

  override async get(...words: Parameters<FakeObjectStore['get']>) {
    this.reads += 1;
    return super.get(...words);
  }
}

describe('a version that is about to be replaced', () => {
  const lies: Record<string, (bytes: Buffer) => Buffer | undefined> = {
    'is not there': () => undefined,
    'was cut short': (bytes) => bytes.subarray(1),
    'has other bytes of the same size': (bytes) => Buffer.from(bytes.map((byte) => byte ^ 1)),
  };
  for (const [what, copyOf] of Object.entries(lies))
    for (const inParts of [false, true])
      it(`stays${inParts ? ', in parts,' : ''} when the copy that the server says it made ${what}`, async () => {
        const to = new LyingStore(copyOf);
        await using bucket = await openMirrorRig(new FakeObjectStore(), to);
        const parts = [Buffer.alloc(5 * mebi, 'a'), Buffer.from('end')];
        const old = inParts ? Buffer.concat(parts) : Buffer.from('old');
        bucket.from.bucket.store('key', old, {}, inParts ? parts.map(md5Of) : undefined);
        await bucket.pass();
        bucket.from.seed('key', 'new');

        const { message } = await rejectsWithCode(bucket.pass(), 'objects-failed');

        assert.match(
          message,
          /: key\. The cause: The bucket .* said that it copied p\/mlpipeline\/key to p\/hist/,
        );
        assert.ok(to.bucket.get(`${mirror}key`).bytes.equals(old));
        assert.deepEqual(
          [...to.objects.keys()].filter((key) => key.startsWith(history)),
          [],
        );
      });

  it('may get another ETag by the copy: it is read and compared, once', async () => {
    const to = new LyingStore(
      (bytes) => bytes,
      (etag) => etag.replace(/^..../, 'ffff'),
    );
    await using bucket = await openMirrorRig(new FakeObjectStore(), to);
    for (const key of ['a', 'b', 'c']) bucket.from.seed(key, `old ${key}`);
    await bucket.pass();
    for (const key of ['a', 'b', 'c']) bucket.from.seed(key, `new ${key}`);

    assert.equal((await bucket.pass({ transfers: 1 })).archived, 3);

    assert.equal(to.reads, 2);
    for (const key of ['a', 'b', 'c'])
      assert.equal(
        to.bucket.get(`${history}${key}/${md5Of(Buffer.from(`old ${key}`))}`).bytes.toString(),
        `old ${key}`,
      );
  });
});
