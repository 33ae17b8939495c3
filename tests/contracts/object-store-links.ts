import assert from 'node:assert/strict';
import { request } from 'undici';
import { openS3, type S3Options } from '../../src/adapters/s3/s3.ts';
import type { OpenedStore } from './object-store.ts';

/** What a link promises, of a server that anybody can ask by HTTP. */
export const describeLinks = (
  name: string,
  open: () => Promise<OpenedStore & { readonly options: S3Options }>,
): void => {
  describe(`a link of ${name}`, () => {
    it('lets anybody read its object as it was stored, and no other', async () => {
      await using opened = await open();
      const { store, prefix, options } = opened;
      const keys = ['index.html', 'a b+ü/2026-11-21T20:15:00Z.html'].map((key) => prefix + key);
      for (const key of keys)
        await store.put(key, `<p>${key}</p>`, {
          metadata: { contentType: 'text/html; charset=utf-8' },
        });
      for (const key of keys) {
        const link = await store.link(key, 3600);
        const reply = await ask(link);
        assert.equal(reply.status, 200, reply.text);
        assert.equal(reply.text, `<p>${key}</p>`);
        assert.equal(reply.type, 'text/html; charset=utf-8');
        assert.equal((await ask(link.replace('.html?', '.json?'))).status, 403);
        assert.equal((await ask(link, 'DELETE')).status, 403);
        assert.ok(!link.includes(options.secretKey));
      }
    });

    it('ends when its time is over', async () => {
      await using opened = await open();
      const { store, prefix, options } = opened;
      await store.put(`${prefix}a`, 'content');
      const hour = 3_600_000;
      const earlier = { now: () => new Date(Date.now() - hour), sleep: async () => undefined };
      await using before = openS3({ ...options, clock: earlier });
      assert.equal((await ask(await before.link(`${prefix}a`, 7200))).status, 200);
      assert.equal((await ask(await before.link(`${prefix}a`, 60))).status, 403);
    });
  });
};

const ask = async (url: string, method: 'GET' | 'DELETE' = 'GET') => {
  const { statusCode: status, headers, body } = await request(url, { method });
  return { status, type: headers['content-type'], text: await body.text() };
};
