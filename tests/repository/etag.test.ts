import assert from 'node:assert/strict';
import fc from 'fast-check';
import { etagOfParts, isMd5, md5Of, partsOf } from '../../src/ports/etags.ts';
import { guessLayout, layoutWith, ownLayout, rangeOf } from '../../src/repository/etag.ts';

const mebi = 2 ** 20;

describe('the layout of parts', () => {
  it('is told from the ETag', () => {
    const md5 = md5Of('');
    assert.equal(isMd5(md5), true);
    assert.equal(isMd5(`${md5}-2`), false);
    assert.equal(isMd5('opaque'), false);
    assert.equal(partsOf(`${md5}-17`), 17);
    assert.equal(partsOf(md5), undefined);
    assert.equal(partsOf(`${md5}-0`), undefined);
  });

  it('makes the ETag that Amazon documents: the MD5 of the parts’ MD5s', () => {
    // Two parts of 5 MiB of zeroes, computed with md5sum and Python's hashlib.
    const part = md5Of(Buffer.alloc(5 * mebi));
    assert.equal(part, '5f363e0e58a95f06cbe9bbc662c5dfb6');
    assert.equal(etagOfParts([part, part]), 'a7d414b9133d6483d9a1c4e04e856e3b-2');
  });

  it('is guessed as the common clients cut objects', () => {
    assert.deepEqual(guessLayout(100 * mebi, 20), { partSize: 5 * mebi, count: 20 });
    assert.deepEqual(guessLayout(100 * mebi, 13), { partSize: 8 * mebi, count: 13 });
    assert.deepEqual(guessLayout(100 * mebi, 7), { partSize: 16 * mebi, count: 7 });
    assert.deepEqual(guessLayout(100 * mebi, 9), { partSize: 12 * mebi, count: 9 });
  });

  it('is of no use when the target would refuse the parts', () => {
    assert.equal(guessLayout(8 * mebi, 4), undefined);
    assert.equal(layoutWith(8 * mebi, 4 * mebi), undefined);
    assert.equal(layoutWith(11 * 2 ** 30, 6 * 2 ** 30), undefined);
    assert.deepEqual(layoutWith(mebi, mebi), { partSize: mebi, count: 1 });
  });

  it('of our own never has more than 10,000 parts', () => {
    assert.equal(ownLayout(2 ** 30).partSize, 64 * mebi);
    assert.ok(ownLayout(5 * 2 ** 40).count <= 10_000);
  });

  it('covers every byte once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 40 }), (size) => {
        const layout = ownLayout(size);
        const last = rangeOf(layout, size, layout.count - 1);
        assert.equal(rangeOf(layout, size, 0).start, 0);
        assert.equal(last.end, size - 1);
        assert.ok(last.start <= last.end);
      }),
    );
  });
});
