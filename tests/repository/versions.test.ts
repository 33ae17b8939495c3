import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compareKeys } from '../../src/ports/key-order.ts';
import { inHistoryOrder } from '../../src/repository/versions.ts';

const lineOf = (key: string, etag = 'e1') => ({
  key,
  size: 1,
  etag,
  lastModified: '2026-11-21T20:15:00.000Z',
});

const namesOf = async (keys: readonly string[], etag?: string): Promise<string[]> => {
  const lines = async function* () {
    for (const key of keys.toSorted(compareKeys)) yield lineOf(key, etag);
  };
  const named = await Array.fromAsync(inHistoryOrder(lines()));
  return named.map(({ key }) => key);
};

describe('inHistoryOrder', () => {
  it('puts a key after those that continue it with a character before the slash', async () => {
    assert.deepEqual(await namesOf(['a', 'a b', 'a!', 'b']), ['a b/e1', 'a!/e1', 'a/e1', 'b/e1']);
  });

  it('puts a key among those of its "directory", where its ETag belongs', async () => {
    assert.deepEqual(await namesOf(['a', 'a/b', 'a/x'], 'e1'), ['a/b/e1', 'a/e1', 'a/x/e1']);
  });

  it('takes the ETag of the copy where that is another one than the source has', async () => {
    const named = await Array.fromAsync(
      inHistoryOrder(
        (async function* () {
          yield { ...lineOf('a'), mirrorEtag: 'm1' };
        })(),
      ),
    );
    assert.deepEqual(
      named.map(({ key }) => key),
      ['a/m1'],
    );
  });

  it('gives every line, in the order of a listing, whatever the keys', async () => {
    const anyKey = fc.string({
      unit: fc.constantFrom('a', 'b', '/', ' ', '!', '-', '0', '\u{1f600}', '\uffee'),
      minLength: 1,
      maxLength: 8,
    });
    const anyEtag = fc.constantFrom('0a', '/', 'fe', ' ');
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(anyKey, { maxLength: 60 }), anyEtag, async (keys, etag) => {
        const names = await namesOf(keys, etag);
        assert.deepEqual(names, keys.map((key) => `${key}/${etag}`).toSorted(compareKeys));
      }),
    );
  });
});
