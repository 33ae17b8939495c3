import assert from 'node:assert/strict';
import { textOf } from '../../../src/adapters/s3/xml.ts';

describe('the text of an element of XML', () => {
  it('has its references resolved', () => {
    assert.equal(textOf('<Key>a&amp;b&#10;&#x1F682;</Key>', 'Key'), 'a&b\n🚂');
  });

  it('has no character that Unicode does not have, and does not crash of one', () => {
    assert.equal(textOf('<Key>&#x110000;&#99999999999;</Key>', 'Key'), '\ufffd\ufffd');
  });
});
