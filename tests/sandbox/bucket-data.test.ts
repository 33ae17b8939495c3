import assert from 'node:assert/strict';
import { startS3Server } from '../servers/s3/server.ts';
import { seedBucket } from './bucket-data.ts';

describe('the data of the box’s bucket', () => {
  it('has what Kubeflow Pipelines leaves, and is the same for the same seed', async () => {
    await using server = await startS3Server({ profile: 'minio-2021' });
    const largeBytes = 1_500_000;
    const { objects } = seedBucket(server, 'one', { seed: 7, largeBytes });
    seedBucket(server, 'two', { seed: 7, largeBytes });
    assert.ok(objects >= 2000);
    const listed = (bucket: string): readonly string[] =>
      server.contents.objects(bucket).map(({ key, etag }) => `${key} ${etag}`);
    assert.deepEqual(listed('one'), listed('two'));

    const found = server.contents.objects('one');
    const some = (test: (object: (typeof found)[number]) => boolean): boolean => found.some(test);
    for (const layout of ['pipelines/', 'artifacts/', 'v2/artifacts/'])
      assert.ok(some(({ key }) => key.startsWith(layout)));
    for (const character of [' ', '+', '%', 'ö', '数', '🦊'])
      assert.ok(some(({ key }) => key.includes(character)));
    assert.ok(some(({ size }) => size === 0));
    assert.ok(some(({ etag }) => /-\d+$/.test(etag)));
    assert.ok(
      some(({ headers }) => Object.keys(headers).some((one) => one.startsWith('x-amz-meta-'))),
    );
    assert.ok(some(({ tags }) => Object.keys(tags).length > 0));
  });
});
