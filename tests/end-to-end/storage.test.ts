import assert from 'node:assert/strict';
import { configure } from '../sandbox/box/configure.ts';
import type { Box } from '../sandbox/box.ts';
import { copyOfBox, sharedBox } from '../rigs/copy-of-box.ts';
import { expectFailure } from './expect-failure.ts';

const copyForBuckets = async (): Promise<Box> => {
  const box = await copyOfBox();
  await box.configure({ components: 'mlpipeline' });
  return box;
};

describe('a backup while storage misbehaves', () => {
  const shared = sharedBox({ components: 'mlpipeline' });

  it('says that the target has no space left', async () => {
    const box = shared();
    box.stores.target.fail({
      operation: 'PutObject',
      key: /\/mlpipeline\//,
      times: Infinity,
      fault: {
        answer: 507,
        code: 'XMinioStorageFull',
        message: 'Storage backend has reached its minimum free disk threshold',
      },
    });
    const { message } = await expectFailure(box, 'objects-failed');
    // The cause once, three keys, and how many more there are.
    assert.equal(message.split('XMinioStorageFull').length, 2, message);
    assert.match(message, /^\d+ objects of .* and \d+ more\. The cause: /);
    assert.match(message, /raise the quota/);
  });

  it('names the objects that MinIO always cuts short', async () => {
    const box = shared();
    box.stores.minio.fail({
      operation: 'GetObject',
      key: /model$/,
      times: Infinity,
      fault: { truncate: 1000 },
    });
    const { message } = await expectFailure(box, 'objects-failed');
    assert.match(message, /größe\+50%/);
  });

  it('names the key that S3 refuses', async () => {
    const box = shared();
    box.stores.target.fail({
      operation: 'PutObject',
      key: /größe/,
      times: Infinity,
      fault: { answer: 400, code: 'KeyTooLongError', message: 'Your key is too long' },
    });
    const { message } = await expectFailure(box, 'objects-failed');
    assert.match(message, /größe\+50%/);
  });

  it('names a bucket that does not exist', async () => {
    const box = shared();
    configure(box.unit.agent.state, { 'source-buckets': 'mlpipeline,mlflow' });
    await expectFailure(box, 'store-bucket-missing');
  });

  it('says that our own option named the bucket that does not exist, and not s3-integrator', async () => {
    const box = shared();
    configure(box.unit.agent.state, { bucket: 'nowhere' });
    const { message } = await expectFailure(box, 'store-bucket-missing');
    assert.match(message, /juju config ckf-backup bucket=/);
  });

  it('does not copy a bucket into itself', async () => {
    const box = shared();
    const { source } = box.stores;
    box.neighbours.s3Integrator = { ...box.neighbours.s3Integrator, ...source };
    await box.settle();
    await expectFailure(box, 'source-is-target');
  });

  it('does not write to a path of another model', async () => {
    const box = shared();
    const claim = { format: 1, model: { name: 'other', uuid: 'another' }, generations: {} };
    box.stores.target.contents.put(box.stores.backups.bucket, {
      key: `${box.prefix}/ckf-backup.json`,
      content: JSON.stringify(claim),
    });
    await expectFailure(box, 'prefix-claimed');
    box.stores.target.contents.remove(box.stores.backups.bucket, `${box.prefix}/ckf-backup.json`);
  });

  it('does not run at the same time as another backup to the same path', async () => {
    const box = shared();
    const expires = new Date(Date.now() + 300_000).toISOString();
    const lock = { modelUuid: 'another', unit: 'ckf-backup/0', nonce: 'theirs', expires };
    box.stores.target.contents.put(box.stores.backups.bucket, {
      key: `${box.prefix}/lock.json`,
      content: JSON.stringify(lock),
    });
    await expectFailure(box, 'backup-running');
    box.stores.target.contents.remove(box.stores.backups.bucket, `${box.prefix}/lock.json`);
  });

  it('does not take an empty source for a backup', async () => {
    const box = shared();
    for (const key of box.stores.minio.contents.keys('mlpipeline'))
      box.stores.minio.contents.remove('mlpipeline', key);
    await expectFailure(box, 'source-shrunk');
  });
});

describe('a backup without storage', () => {
  it('says that MinIO cannot be reached', async () => {
    await using box = await copyForBuckets();
    await box.stores.minio.close();
    const { message } = await expectFailure(box, 'store-unreachable');
    assert.match(message, /mlpipeline/);
  });

  it('says that S3 cannot be reached', async () => {
    await using box = await copyForBuckets();
    await box.stores.target.close();
    const { message } = await expectFailure(box, 'store-unreachable');
    assert.match(message, /ckf-backups/);
  });

  it('says which databases cannot reach S3 either, and names S3 alone as the problem', async () => {
    await using box = await copyOfBox();
    await box.stores.target.close();
    const { message, log } = await expectFailure(box, 'store-unreachable');
    assert.match(message, /^Could not list the bucket: .* the connection was refused/);
    for (const name of ['kfp-db', 'katib-db'])
      assert.match(
        log.join('\n'),
        new RegExp(`S3 is away for others too: ${name} cannot reach its S3 storage: .*${name}/0`),
      );
  });

  it('gives up on S3 that keeps answering 503 to the dump, and puts every scale back', async () => {
    await using box = await copyOfBox();
    box.stores.target.fail({
      key: /\/mlmd\//,
      times: Infinity,
      fault: { answer: 503, code: 'SlowDown' },
    });
    await expectFailure(box, 'store-unreachable');
  });
});
