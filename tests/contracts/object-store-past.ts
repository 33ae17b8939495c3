import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { buffer } from 'node:stream/consumers';
import type { OpenedStore } from './object-store.ts';

/** The promise of `asOf`, for buckets that keep versions. */
export const describePast = (open: () => Promise<OpenedStore>): void => {
  describe('that keeps versions', () => {
    it('is read as it was at a time, and written as it is now', async () => {
      await using opened = await open();
      const { store, prefix } = opened;
      const key = (end: string): string => prefix + end;
      const odd = 'ü +&%/%2F';
      const metadata = { contentType: 'text/plain', user: { run: '1' }, tags: { team: 'red' } };
      await store.put(key('a'), 'before the first');
      const { etag } = await store.put(key('a'), 'first', { metadata });
      await store.put(key('a/x'), 'below');
      await store.put(key('b'), 'deleted later');
      await store.put(key('c'), 'deleted before');
      await store.put(key(odd), 'odd');
      await store.delete([key('c')]);
      // HEAD tells whole seconds, and so do the times of some servers.
      await pause(1100);
      const then = new Date();
      await pause(1100);
      await store.put(key('a'), 'second');
      await store.put(key('c'), 'back');
      await store.put(key('d/e'), 'new');
      await store.delete([key('b'), key(odd)]);

      const past = store.asOf(then);
      const listed = await Array.fromAsync(past.list(prefix));
      assert.deepEqual(
        listed.map((object) => object.key),
        [key('a'), key('a/x'), key('b'), key(odd)],
      );
      assert.deepEqual([listed[0]?.etag, listed[0]?.size], [etag, 5]);
      const range = { startAfter: key('a'), upTo: key('b') };
      assert.deepEqual(await Array.fromAsync(past.list(prefix, range), (object) => object.key), [
        key('a/x'),
        key('b'),
      ]);
      assert.deepEqual(await Array.fromAsync(past.listPrefixes(prefix)), [
        key('a/'),
        key('ü +&%/'),
      ]);
      assert.equal((await past.read(key('a'))).toString(), 'first');
      assert.equal((await past.read(key(odd))).toString(), 'odd');
      assert.equal((await past.fetch(key('a'), { etag })).bytes.toString(), 'first');
      const got = await past.get(key('a'), { range: { start: 1, end: 2 } });
      assert.equal((await buffer(got.body)).toString(), 'ir');
      assert.deepEqual([got.size, got.metadata.user, got.tagCount], [5, { run: '1' }, 1]);
      assert.deepEqual(await past.tags(key('a')), { team: 'red' });
      assert.equal((await past.head(key('b')))?.size, 13);
      for (const missing of ['c', 'd/e', 'never', 'a/'].map(key)) {
        assert.equal(await past.head(missing), undefined);
        await assert.rejects(past.read(missing), { code: 'object-missing' });
      }
      const before = store.asOf(new Date(then.getTime() - 3_600_000));
      assert.deepEqual(await Array.fromAsync(before.list(prefix)), []);

      // What was overwritten or deleted comes back under its own key, too.
      await past.copy(key('a'), key('a'), etag);
      await past.copy(key('b'), key('b'), (await past.head(key('b')))?.etag ?? '');
      assert.equal((await store.read(key('a'))).toString(), 'first');
      assert.deepEqual(await store.tags(key('a')), { team: 'red' });
      assert.equal((await store.read(key('b'))).toString(), 'deleted later');
      await assert.rejects(past.copy(key('a'), key('z'), 'another'), { code: 'object-changed' });
      assert.equal(await store.head(key('z')), undefined);
      await past.put(key('new'), 'written now');
      assert.equal((await store.read(key('new'))).toString(), 'written now');
      assert.equal(await past.head(key('new')), undefined);
    });

    it('goes on over the pages of its versions', async () => {
      await using opened = await open();
      const { store, prefix } = opened;
      const keys = Array.from({ length: 340 }, (_, index) => `${prefix}${1000 + index}`);
      const inAll = async (work: (key: string) => Promise<unknown>): Promise<void> => {
        for (let at = 0; at < keys.length; at += 50)
          await Promise.all(keys.slice(at, at + 50).map(work));
      };
      await inAll((key) => store.put(key, 'first'));
      await pause(1100);
      const then = new Date();
      await pause(1100);
      await inAll((key) => store.put(key, 'second'));
      await store.delete(keys);

      const past = store.asOf(then);
      const listed = await Array.fromAsync(past.list(prefix));
      assert.deepEqual(
        listed.map(({ key }) => key),
        keys,
      );
      assert.ok(listed.every(({ size }) => size === 5));
    });
  });
};
