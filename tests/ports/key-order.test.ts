import assert from 'node:assert/strict';
import fc from 'fast-check';
import { compareKeys } from '../../src/ports/key-order.ts';

describe('the order of keys', () => {
  it('is the order of their UTF-8 bytes, whatever the keys are', () => {
    const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', 'é', '', '￿', '🚀', '𐀀', '힣') });
    fc.assert(
      fc.property(key, key, (a, b) => {
        assert.equal(Math.sign(compareKeys(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        assert.equal(Math.sign(compareKeys(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });

  it('puts an emoji after the private characters, which JavaScript does not', () => {
    assert.deepEqual(['\ue000', '\u{1f680}'].sort(), ['\u{1f680}', '\ue000']);
    assert.ok(compareKeys('\u{1f680}', '\ue000') > 0);
  });
});
