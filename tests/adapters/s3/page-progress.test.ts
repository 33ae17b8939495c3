import assert from 'node:assert/strict';
import { createPageProgress } from '../../../src/adapters/s3/page-progress.ts';

const stuck = { code: 'store-refused', message: /again and again/ };
const progressOf = (more: { manyOfAKey?: boolean } = {}) =>
  createPageProgress({ description: 'bucket backups' }, 'list ""', more);

describe('the pages of a listing', () => {
  it('get somewhere while there are later keys, in any number', () => {
    const advance = progressOf();
    for (let page = 0; page < 5000; page += 1)
      advance(String(page).padStart(6, '0'), `token ${page}`);
  });

  for (const [what, last] of [
    ['empty', undefined],
    ['the same one', 'a'],
  ] as const)
    it(`get nowhere when they are ${what}, whatever their tokens are, and a thousand may be`, () => {
      const advance = progressOf();
      advance('a', 'first');
      for (let page = 0; page < 1000; page += 1) advance(last, String(page));
      assert.throws(() => {
        advance(last, 'one more');
      }, stuck);
    });

  it('may be empty again after a later key', () => {
    const advance = progressOf();
    for (const key of ['a', 'b', 'c']) {
      for (let page = 0; page < 900; page += 1) advance(undefined, `${key}${page}`);
      advance(key, key);
    }
  });

  it('may tell of one key for as long as they are not those that were there', () => {
    const advance = progressOf({ manyOfAKey: true });
    for (let page = 0; page < 3000; page += 1) advance('a', String(page));
    assert.throws(() => {
      advance('a', '7');
    }, stuck);
  });

  it('are no later ones in the order of UTF-16, but of UTF-8', () => {
    const advance = progressOf();
    advance('\u{ffff}', 'one');
    advance('\u{10000}', 'two');
    advance('a', 'three');
    assert.throws(() => {
      advance('b', 'three');
    }, stuck);
  });
});
