import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { copyOfBox } from '../rigs/copy-of-box.ts';
import { startS3Server } from '../servers/s3/server.ts';

describe('sets that somebody overwrote and deleted', () => {
  it('are listed, verified and restored as they were, in a bucket that keeps versions', async () => {
    await using box = await copyOfBox();
    const { minio, backups } = box.stores;
    const { accessKey, secretKey } = backups;
    await using server = await startS3Server({
      ...{
        users: [{ accessKey, secretKey }],
        buckets: ['ckf-backups'],
        quirks: ['keeps-versions'],
      },
    });
    box.neighbours.s3Integrator = { ...box.neighbours.s3Integrator, endpoint: server.url };
    await box.configure({ components: 'mlmd,mlpipeline' });
    const original = new Map(
      minio.contents.keys('mlpipeline').map((key) => [key, minio.contents.read('mlpipeline', key)]),
    );
    const backup = await box.run('backup-control-plane');
    assert.equal(backup.status, 'completed', backup.message);
    const id = { 'backup-id': backup.results['backup-id'] };
    await pause(1100);
    const asOf = `${new Date().toISOString().slice(0, 19)}Z`;
    await pause(1100);

    const all = server.contents.keys('ckf-backups');
    assert.ok(all.length > 10);
    for (const [index, key] of all.entries())
      if (index % 2 === 0) server.contents.remove('ckf-backups', key);
      else server.contents.put('ckf-backups', { key, content: 'pay us' });
    for (const key of minio.contents.keys('mlpipeline'))
      minio.contents.put('mlpipeline', { key, content: 'pay us' });
    // The claim is a name for the path, and no part of a set: an operator removes what it became.
    server.contents.remove('ckf-backups', 'kubeflow/ckf-backup.json');

    const now = await box.run('verify-backup', id);
    assert.equal(now.status, 'failed');
    const listed = await box.run('list-backups', { 'as-of': asOf });
    assert.match(String(listed.results['backups']), new RegExp(String(id['backup-id'])));
    const verified = await box.run('verify-backup', { ...id, 'as-of': asOf, deep: true });
    assert.equal(verified.status, 'completed', verified.message);
    assert.equal(verified.results['result'], 'intact');
    const early = await box.run('verify-backup', { ...id, 'as-of': '2020-01-01T00:00:00Z' });
    assert.match(early.message, /\[backup-missing\]/);
    const restored = await box.run('restore-control-plane', {
      ...{ ...id, 'as-of': asOf, confirm: 'kubeflow' },
    });
    assert.equal(restored.status, 'completed', restored.message);
    for (const [key, bytes] of original)
      assert.ok(minio.contents.read('mlpipeline', key).equals(bytes), key);
  });

  it('are gone in a bucket that keeps none', async () => {
    await using box = await copyOfBox();
    for (const [asOf, why] of [
      ['2026-01-01T00:00:00Z', /keeps no versions/],
      ['3026-01-01T00:00:00Z', /not a time in the past/],
      ['yesterday', /not a time in the past/],
    ] as const) {
      const { status, message } = await box.run('list-backups', { 'as-of': asOf });
      assert.equal(status, 'failed');
      assert.match(message, why);
      assert.match(message, /\[parameter-invalid\]/);
    }
  });
});
