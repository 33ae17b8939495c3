import assert from 'node:assert/strict';
import { textOf } from '../../../src/adapters/s3/xml.ts';

describe('the text of an element of XML', () => {
  it('has its references resolved', () => {
    assert.equal(textOf('<Key>a&amp;b&#10;&#x1F682;</Key>', 'Key'), 'a&b\n🚂');
  });

  it('has its quotes, as every ETag has them', () => {
    for (const [escaped, text] of [
      ['&quot;abc&quot;', '"abc"'],
      ['&quot;&quot;', '""'],
      ['&quot;', '"'],
      ['&quot;a&amp;b&quot;', '"a&b"'],
      ['&quot;a&amp;', '"a&'],
      ['&quot;abc', '"abc'],
    ] as const)
      assert.equal(textOf(`<ETag>${escaped}</ETag>`, 'ETag'), text);
  });

  it('has no character that Unicode does not have, and does not crash of one', () => {
    assert.equal(textOf('<Key>&#x110000;&#99999999999;</Key>', 'Key'), '\ufffd\ufffd');
  });
});
