import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import { copyOfBox } from '../rigs/copy-of-box.ts';
import { assertNoSecrets } from './no-secrets.ts';

describe('three units of ckf-backup', () => {
  it('share the copy of a bucket, and the set has all of it', async () => {
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
      fault: { bytesPerSecond: 50_000 },
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
    const left = box.stores.target.contents
      .keys(box.stores.backups.bucket, `${box.prefix}/`)
      .filter((key) => /\/(shards|locks)\//.test(key));
    assert.deepEqual(left, []);
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
  });
});
