import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createRedaction } from '../../src/adapters/redaction.ts';

describe('the redaction', () => {
  it('leaves nothing of a secret in a text, plain, in base64, in JSON or in a URL', () => {
    const { hide, redact } = createRedaction();
    const secret = 'pass"word/+ü ';
    hide(secret);
    const base64 = Buffer.from(secret).toString('base64');
    const text = [secret, base64, JSON.stringify(secret), encodeURIComponent(secret)].join(' and ');
    assert.equal(redact(text), '<hidden> and <hidden> and "<hidden>" and <hidden>');
  });

  it('hides the longer of two secrets as a whole', () => {
    const { hide, redact } = createRedaction();
    hide('secret');
    hide('secret-of-mine');
    assert.equal(redact('x secret-of-mine y'), 'x <hidden> y');
  });

  it('never lets a hidden text through, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 4, unit: 'grapheme' }), fc.string(), (secret, around) => {
        const { hide, redact } = createRedaction();
        hide(secret);
        fc.pre(!'<hidden>'.includes(secret) && !around.includes(secret));
        assert.ok(redact(`${around}${secret}`).includes('<hidden>'));
      }),
    );
  });

  it('does not blot out texts that are too short to be secrets', () => {
    const { hide, redact } = createRedaction();
    hide('');
    hide('abc');
    assert.equal(redact('abc'), 'abc');
  });
});
