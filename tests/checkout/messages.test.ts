import assert from 'node:assert/strict';
import { knownMessages, knownStatuses } from '../../scripts/docs/messages.ts';
import { errorCodes, longestMessage } from '../../src/errors.ts';
import { visibleCharacters } from '../../src/hooks/status-text.ts';
import { root } from './checkout.ts';

const messages = await knownMessages(root);

describe('what the charm can say', () => {
  it('is found in the source, for nearly every code', () => {
    const said = new Set(messages.map(({ code }) => code));
    const unsaid = Object.keys(errorCodes).filter((code) => !said.has(code as never));
    // These are said with a code that is chosen when they are.
    assert.deepEqual(unsaid, [
      ...['store-denied', 'store-bucket-missing', 'store-wants-digest', 'store-refuses-tags'],
      ...['tags-unreadable', 'preflight-failed', 'volume-unreadable'],
    ]);
    assert.ok(messages.length > 100);
  });

  it('leaves room in each message for what is filled in', () => {
    const long = messages.filter(({ message }) => message.length > longestMessage);
    assert.deepEqual(long, []);
  });

  it('has its essential, its code and a command within what juju status shows', () => {
    for (const { status, file } of messages) {
      assert.ok(status.length <= visibleCharacters, `${file}: ${status}`);
      assert.match(status, /\[.*\]: \S+/);
    }
  });

  it('fits as a status of backups into what juju status shows', () => {
    for (const { message } of knownStatuses())
      assert.ok((message.split(' | ')[0] ?? '').length <= visibleCharacters, message);
  });
});
