import assert from 'node:assert/strict';
import fc from 'fast-check';
import { excerpt, listText } from '../src/text.ts';

describe('a list in a message', () => {
  it('shows what fits, and counts the rest', () => {
    assert.equal(listText(['a', 'b', 'c'], 2), 'a, b and 1 more');
    assert.equal(listText(['a'.repeat(100), 'b'.repeat(100)]), `${'a'.repeat(100)} and 1 more`);
  });

  it('never grows with what is listed', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 2000 })), (items) => {
        assert.ok(listText(items).length <= 160 + ' and 1000 more'.length);
      }),
    );
  });
});

describe('an excerpt', () => {
  it('has the beginning and the end, and no more characters than it may', () => {
    assert.equal(excerpt('short', 20), 'short');
    assert.equal(excerpt('the beginning and the very end', 20), 'the begin … very end');
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 10, max: 50 }), (text, most) => {
        assert.ok(excerpt(text, most).length <= most);
      }),
    );
  });
});
