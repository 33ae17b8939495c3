import assert from 'node:assert/strict';
import { deletablePatterns } from '../rigs/documented-policy.ts';
import { copyOfBox } from '../rigs/copy-of-box.ts';
import { newSecret } from '../servers/unit-agent/state.ts';

const retention = { accessKey: 'retention', secretKey: 'retention-secret' };

describe('a backup with keys that cannot delete', () => {
  it('is made, checked and verified, and removed only with other keys', async () => {
    await using box = await copyOfBox();
    const { backups, target } = box.stores;
    const { accessKey, secretKey } = backups;
    const deletes = new RegExp(deletablePatterns().join('|'));
    target.setUsers([{ accessKey, secretKey, deletes }, retention]);
    await box.configure({ components: 'mlmd,mlpipeline' });

    const checked = await box.run('check');
    assert.equal(checked.status, 'completed', checked.message);
    assert.equal(checked.results['keys-may-delete'], 'no');
    assert.equal(checked.results['versioning'], 'off');
    const first = await box.run('backup-control-plane');
    assert.equal(first.status, 'completed', first.message);
    const second = await box.run('backup-control-plane');
    assert.equal(second.status, 'completed', second.message);
    const keys = () => target.contents.keys('ckf-backups');
    const passing = keys().filter((key) => deletes.test(key));
    assert.deepEqual(passing, [], 'what is written for a moment is gone');

    const before = keys();
    const id = first.results['backup-id'];
    const refused = await box.run('delete-backup', { 'backup-id': id });
    assert.equal(refused.status, 'failed');
    assert.match(refused.message, /retention-credentials.*\[store-denied\]/);
    const stillThere = keys().filter((key) => !key.endsWith('removed.json'));
    assert.deepEqual(stillThere, before);

    const secret = 'd3n8r2e5kg0c73retent';
    const content = { 'access-key': retention.accessKey, 'secret-key': retention.secretKey };
    box.unit.agent.state.secrets.push(newSecret(secret, 'user', content, ['ckf-backup']));
    await box.configure({ 'retention-credentials': `secret:${secret}` });
    const removed = await box.run('delete-backup', { 'backup-id': id });
    assert.equal(removed.status, 'completed', removed.message);
    assert.ok(!keys().some((key) => key.includes(String(id))));
    const verified = await box.run('verify-backup', { 'backup-id': second.results['backup-id'] });
    assert.equal(verified.status, 'completed', verified.message);
  });
});
