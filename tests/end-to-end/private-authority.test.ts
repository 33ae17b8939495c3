import assert from 'node:assert/strict';
import { copyOfBox } from '../rigs/copy-of-box.ts';
import { createAuthority } from '../servers/network/certificates.ts';
import { startS3Server } from '../servers/s3/server.ts';

describe('a MinIO with a private authority', () => {
  it('is read and restored over TLS once object-storage-ca names that authority, and not before', async () => {
    await using box = await copyOfBox();
    const { minio, minioAddress } = box.stores;
    const authority = await createAuthority('authority of MinIO');
    const { ca: another } = await createAuthority('somebody else');
    const { accessKey, secretKey } = minioAddress;
    await using server = await startS3Server({
      ...{ profile: 'minio-2021', users: [{ accessKey, secretKey }], buckets: ['mlpipeline'] },
      tls: await authority.issue(['127.0.0.1']),
    });
    const original = new Map(
      minio.contents.keys('mlpipeline').map((key) => [key, minio.contents.read('mlpipeline', key)]),
    );
    server.contents.put(
      'mlpipeline',
      ...[...original].map(([key, content]) => ({ key, content, partSize: 5 * 2 ** 20 })),
    );
    await minio.close();
    // What the charm of MinIO says is the same with TLS: secure: false.
    box.neighbours.minio = { ...minioAddress, port: server.port };
    await box.configure({ components: 'mlpipeline' });

    const plain = await box.run('check');
    assert.equal(plain.status, 'failed');
    assert.match(plain.message, /object-storage-ca=@ca\.pem/);
    await box.configure({ 'object-storage-ca': another });
    const foreign = await box.run('check');
    assert.equal(foreign.status, 'failed');
    assert.match(foreign.message, /certificate.*object-storage-ca/s);

    await box.configure({ 'object-storage-ca': authority.ca });
    const backup = await box.run('backup-control-plane');
    assert.equal(backup.status, 'completed', backup.message);
    server.contents.remove('mlpipeline', 'pipelines/6d3a1f0e');
    const restored = await box.run('restore-control-plane', {
      ...{ 'backup-id': backup.results['backup-id'], confirm: 'kubeflow' },
    });
    assert.equal(restored.status, 'completed', restored.message);
    for (const [key, bytes] of original)
      assert.ok(server.contents.read('mlpipeline', key).equals(bytes), key);
  });
});
