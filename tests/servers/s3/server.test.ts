import assert from 'node:assert/strict';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { startS3Server, testUser, type S3Server } from './server.ts';

/** AWS's own client, so that our adapter and our server cannot agree on a mistake. */
const sdk = (
  server: S3Server,
  changed: { readonly secretKey?: string; readonly old?: boolean } = {},
) =>
  new S3Client({
    endpoint: server.url,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: {
      accessKeyId: testUser.accessKey,
      secretAccessKey: changed.secretKey ?? testUser.secretKey,
    },
    ...(changed.old !== false && {
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    }),
  });

const keys = ['a', 'a b+c%20', 'größe/数据', "it's (1)*!", 'x/../y', 'a//b', 'trail/', 'new\nline'];

describe('the S3 server', () => {
  it('serves AWS’s own client', async () => {
    await using server = await startS3Server({ buckets: ['bench'] });
    const client = sdk(server);
    const at = { Bucket: 'bench' };
    for (const Key of keys) {
      const put = await client.send(
        new PutObjectCommand({
          ...at,
          Key,
          Body: `of ${Key}`,
          Metadata: { a: 'b' },
          Tagging: 't=u',
        }),
      );
      const got = await client.send(new GetObjectCommand({ ...at, Key, IfMatch: put.ETag }));
      assert.equal(await got.Body?.transformToString(), `of ${Key}`);
      assert.deepEqual(got.Metadata, { a: 'b' });
    }
    const listed = await client.send(new ListObjectsV2Command({ ...at, MaxKeys: 3 }));
    assert.equal(listed.IsTruncated, true);
    const rest = await client.send(
      new ListObjectsV2Command({ ...at, ContinuationToken: listed.NextContinuationToken }),
    );
    assert.equal((listed.Contents?.length ?? 0) + (rest.Contents?.length ?? 0), keys.length);
    const tags = await client.send(new GetObjectTaggingCommand({ ...at, Key: 'a' }));
    assert.deepEqual(tags.TagSet, [{ Key: 't', Value: 'u' }]);
    await client.send(new CopyObjectCommand({ ...at, Key: 'copy', CopySource: 'bench/a' }));
    const head = await client.send(new HeadObjectCommand({ ...at, Key: 'copy' }));
    assert.equal(head.ContentLength, 4);
    const Objects = [{ Key: 'a' }, { Key: 'copy' }];
    await client.send(new DeleteObjectsCommand({ ...at, Delete: { Objects } }));
    assert.equal(server.contents.keys('bench').includes('a'), false);
    client.destroy();
  });

  it('puts an upload of AWS’s client together', async () => {
    await using server = await startS3Server({ buckets: ['bench'] });
    const client = sdk(server);
    const at = { Bucket: 'bench', Key: 'a b' };
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(at));
    const bodies = [Buffer.alloc(5 * 2 ** 20, 1), Buffer.from('end')];
    const Parts = [];
    for (const [index, Body] of bodies.entries()) {
      const PartNumber = index + 1;
      const { ETag } = await client.send(
        new UploadPartCommand({ ...at, UploadId, PartNumber, Body }),
      );
      Parts.push({ ETag, PartNumber });
    }
    const listed = await client.send(new ListPartsCommand({ ...at, UploadId }));
    assert.deepEqual(
      listed.Parts?.map(({ Size }) => Size),
      [5 * 2 ** 20, 3],
    );
    const done = new CompleteMultipartUploadCommand({
      ...at,
      UploadId,
      MultipartUpload: { Parts },
    });
    assert.match((await client.send(done)).ETag ?? '', /-2"$/);
    const second = await client.send(new HeadObjectCommand({ ...at, PartNumber: 1 }));
    assert.equal(second.PartsCount, 2);
    client.destroy();
  });

  it('refuses AWS’s client as AWS does: a wrong key, a bucket or an object that is not there', async () => {
    await using server = await startS3Server({ buckets: ['bench'] });
    const get = (client: S3Client, Bucket: string) =>
      client.send(new GetObjectCommand({ Bucket, Key: 'a' }));
    const wrong = sdk(server, { secretKey: 'wrong' });
    await assert.rejects(get(wrong, 'bench'), { name: 'SignatureDoesNotMatch' });
    const client = sdk(server);
    await assert.rejects(get(client, 'nowhere'), { name: 'NoSuchBucket' });
    await assert.rejects(get(client, 'bench'), { name: 'NoSuchKey' });
    const put = new PutObjectCommand({
      Bucket: 'bench',
      Key: 'a',
      Body: 'x',
      ContentMD5: 'AAAAAAAAAAAAAAAAAAAAAA==',
    });
    await assert.rejects(client.send(put), { name: 'BadDigest' });
    wrong.destroy();
    client.destroy();
  });

  it('knows no newer checksums as MinIO of 2021, and takes them as a target', async () => {
    await using old = await startS3Server({ profile: 'minio-2021', buckets: ['bench'] });
    const newClient = sdk(old, { old: false });
    const Delete = { Objects: [{ Key: 'a' }] };
    const remove = new DeleteObjectsCommand({ Bucket: 'bench', Delete });
    await assert.rejects(newClient.send(remove), { name: 'MissingContentMD5' });
    await using target = await startS3Server({ buckets: ['bench'] });
    const client = sdk(target, { old: false });
    await client.send(new PutObjectCommand({ Bucket: 'bench', Key: 'a', Body: 'x' }));
    await client.send(remove);
    assert.deepEqual(target.contents.keys('bench'), []);
    newClient.destroy();
    client.destroy();
  });

  it('refuses what nobody signed, and what S3 does not have', async () => {
    await using server = await startS3Server({ buckets: ['bench'] });
    assert.equal((await fetch(`${server.url}/bench/a`)).status, 403);
    const signed = { authorization: 'AWS4-HMAC-SHA256 Credential=x' };
    assert.equal((await fetch(`${server.url}/bench/a`, { headers: signed })).status, 400);
    assert.equal((await fetch(`${server.url}/bench/a`, { method: 'PATCH' })).status, 501);
  });

  it('notes every request, and forgets what went wrong when it is told', async () => {
    await using server = await startS3Server({ buckets: ['bench'] });
    const client = sdk(server);
    server.fail({ operation: 'GetObject', key: /^b/, nth: 2, times: 2, fault: { answer: 503 } });
    const statuses = [];
    for (const Key of ['b', 'a', 'b', 'b', 'b'])
      statuses.push(
        await client
          .send(new GetObjectCommand({ Bucket: 'bench', Key }))
          .catch((error: unknown) => (error instanceof Error ? error.name : '')),
      );
    assert.deepEqual(statuses, ['NoSuchKey', 'NoSuchKey', 'SlowDown', 'SlowDown', 'NoSuchKey']);
    assert.equal(server.count('GetObject'), 5);
    assert.deepEqual(server.requests[1], {
      method: 'GET',
      operation: 'GetObject',
      bucket: 'bench',
      key: 'a',
    });
    client.destroy();
  });
});
