import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compareKeys } from '../../src/ports/key-order.ts';
import type { KeyRange } from '../../src/world.ts';
import { inHistoryOrder, nameInHistory, rangeInHistory } from '../../src/repository/versions.ts';

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

  it('gives names that S3 takes, in the order of a listing, of keys of any length', async () => {
    const anyEnd = fc.string({
      unit: fc.constantFrom('a', '/', '~', '\u{1f600}', 'é'),
      maxLength: 4,
    });
    const anyKey = fc
      .tuple(
        fc.constantFrom(1, 590, 596, 600, 601, 690, 700, 701, 1000),
        fc.constantFrom('a', 'é'),
        anyEnd,
      )
      .map(([length, unit, end]) => unit.repeat(Math.ceil(length / Buffer.byteLength(unit))) + end);
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(anyKey, { maxLength: 40 }), async (keys) => {
        const etag = 'd41d8cd98f00b204e9800998ecf8427e-10';
        const expected = keys.map((key) => nameInHistory('', key, etag)).toSorted(compareKeys);
        assert.deepEqual(await namesOf(keys, etag), expected);
        assert.equal(new Set(expected).size, keys.length);
        for (const name of expected) assert.ok(Buffer.byteLength(name) <= 1024 - 273, name);
      }),
    );
  });
});

describe('rangeInHistory', () => {
  it('has the versions of all keys of a range, but of those that the last one begins with', () => {
    const anyEnd = fc.string({ unit: fc.constantFrom('a', '/', ' ', '~', 'é'), maxLength: 3 });
    const anyKey = fc
      .tuple(fc.constantFrom(0, 1, 599, 600, 601, 700, 701), anyEnd)
      .map(([length, end]) => `${'b'.repeat(length)}${end}x`);
    const isIn = (key: string, { startAfter, upTo }: KeyRange): boolean =>
      (startAfter === undefined || compareKeys(key, startAfter) > 0) &&
      (upTo === undefined || compareKeys(key, upTo) <= 0);
    const anyBound = fc.option(anyKey, { nil: undefined });
    fc.assert(
      fc.property(anyKey, anyBound, anyBound, (key, startAfter, upTo) => {
        const range = { startAfter, upTo };
        fc.pre(isIn(key, range));
        const name = nameInHistory('', key, 'fe-2');
        const isBeginning = key !== upTo && upTo?.startsWith(key) === true;
        assert.ok(isBeginning || isIn(name, rangeInHistory(range)), JSON.stringify([name, range]));
      }),
      { numRuns: 500 },
    );
  });
});
