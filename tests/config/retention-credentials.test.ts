import assert from 'node:assert/strict';
import { readRetentionCredentials } from '../../src/config/retention-credentials.ts';
import { FakeHookTools } from '../fakes/hook-tools.ts';
import { rejectsWithCode } from '../rejects-with-code.ts';

const id = 'secret:d3n8r2e5kg0c73fhvb12';

const read = async (content: Record<string, string>, granted = true) => {
  const tools = new FakeHookTools();
  tools.secrets.set(id, { content, granted, grants: [] });
  return readRetentionCredentials(tools, { retentionCredentials: id }, 'ckf-backup');
};

describe('the secret of retention-credentials', () => {
  it('has the keys that may delete, and need not be there', async () => {
    const tools = new FakeHookTools();
    const none = { retentionCredentials: undefined };
    assert.equal(await readRetentionCredentials(tools, none, 'ckf-backup'), undefined);
    assert.deepEqual(await read({ 'access-key': ' AK ', 'secret-key': 'hushhush\n' }), {
      accessKey: 'AK',
      secretKey: 'hushhush',
    });
  });

  it('is refused with the command that mends it', async () => {
    const { message } = await rejectsWithCode(read({ 'access-key': 'AK' }), 'secret-unreadable');
    assert.match(message, /has no secret-key\. Run: juju update-secret/);
    const denied = await rejectsWithCode(read({}, false), 'secret-unreadable');
    assert.match(denied.message, /juju grant-secret secret:d3n8r2e5kg0c73fhvb12 ckf-backup/);
  });
});
