import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import { copyOfBox } from '../rigs/copy-of-box.ts';
import { assertNoSecrets } from './no-secrets.ts';

describe('three units of ckf-backup', () => {
  it('share a backup, its restore and its verification, and each has all of it', async () => {
    await using box = await copyOfBox({}, {}, 3);
    await box.configure({ components: 'mlpipeline' });
    box.stores.minio.contents.put(
      'mlpipeline',
      // The first shard, which is the leader's, takes as long as the others need to come.
      { key: 'a/large', content: Buffer.alloc(2 ** 20, 1) },
      ...Array.from({ length: 900 }, (_, index) => ({
        key: `v2/artifacts/pipeline/run-${String(index).padStart(5, '0')}/model`,
        content: `model ${index}`,
      })),
    );
    box.stores.minio.fail({
      operation: 'GetObject',
      key: 'a/large',
      fault: { bytesPerSecond: 100_000 },
    });
    const run = await box.run('backup-control-plane');
    assert.equal(run.status, 'completed', run.message);
    assertNoSecrets(box, run);
    const log = run.log.join('\n');
    assert.match(log, /Asked ckf-backup\/1, ckf-backup\/2 to help/);
    const [, units] = /copied ahead by (\d) units/.exec(log) ?? [];
    assert.ok(Number(units) > 1, log);
    const tasks = box.model.state.tasks.filter(({ action }) => action === 'work');
    for (const { status, message } of tasks) assert.equal(status, 'completed', message);
    const leftovers = () =>
      box.stores.target.contents
        .keys(box.stores.backups.bucket, `${box.prefix}/`)
        .filter((key) => /\/(shards|locks)\//.test(key));
    assert.deepEqual(leftovers(), []);
    const { bucket } = box.stores.backups;
    const list = `${box.prefix}/sets/${String(run.results['backup-id'])}/mlpipeline.ndjson.gz`;
    const lines = gunzipSync(box.stores.target.contents.read(bucket, list)).toString().trim();
    const listed = lines
      .split('\n')
      .map((line) => JSON.parse(line) as { key: string; etag: string });
    assert.deepEqual(
      listed.map(({ key, etag }) => [key, etag]),
      box.stores.minio.contents.objects('mlpipeline').map(({ key, etag }) => [key, etag]),
    );

    const before = box.stores.minio.contents
      .objects('mlpipeline')
      .map(({ key, etag }) => key + etag);
    const keys = box.stores.minio.contents.keys('mlpipeline', '');
    for (const key of keys.filter((_, index) => index % 3 === 0))
      box.stores.minio.contents.remove('mlpipeline', key);
    const slowly = { operation: 'GetObject', key: /\/mlpipeline\/a\/large$/ };
    for (const [action, parameters, result] of [
      [
        'restore-control-plane',
        { confirm: 'kubeflow' },
        ['mlpipeline-objects', String(before.length)],
      ],
      ['verify-backup', { deep: true }, ['result', 'intact']],
    ] as const) {
      box.stores.target.fail({ ...slowly, fault: { bytesPerSecond: 170_000 } });
      const set = { 'backup-id': run.results['backup-id'] };
      const shared = await box.run(action, { ...set, ...parameters });
      assert.equal(shared.status, 'completed', shared.message);
      assert.equal(shared.results[result[0]], result[1]);
      assert.match(shared.log.join('\n'), /Asked ckf-backup\/1, ckf-backup\/2 to help/);
      assertNoSecrets(box, shared);
    }
    const helps = box.model.state.tasks.filter(({ action }) => action === 'work').slice(2);
    for (const { id } of helps) {
      const { status, message } = await box.model.ended(id);
      assert.equal(status, 'completed', message);
    }
    const done = helps.map(({ output }) => output['result']);
    assert.ok(done.includes('helped'), done.join());
    assert.deepEqual(
      box.stores.minio.contents.objects('mlpipeline').map(({ key, etag }) => key + etag),
      before,
    );
    assert.deepEqual(leftovers(), []);
  });
});
