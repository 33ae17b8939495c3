import assert from 'node:assert/strict';
import { openS3 } from '../../../src/adapters/s3/s3.ts';
import { describeObjectStore, type OpenedStore } from '../../contracts/object-store.ts';
import { describeLinks } from '../../contracts/object-store-links.ts';
import { createAuthority } from '../../servers/network/certificates.ts';
import { profileOf, s3ProfileNames, s3Profiles } from '../../servers/s3/profiles.ts';
import { atHost, loopbackLookup, openS3Rig, type S3Rig } from '../../rigs/s3.ts';

const opened = (rig: S3Rig): OpenedStore => ({
  store: rig.store,
  prefix: '',
  seed: (keys) => {
    rig.server.contents.put('bench', ...keys.map((key) => ({ key, content: 'x' })));
  },
  [Symbol.asyncDispose]: async () => {
    await rig[Symbol.asyncDispose]();
  },
});

for (const name of s3ProfileNames)
  describeObjectStore(
    s3Profiles[name].title,
    async () => opened(await openS3Rig({ profile: name }, { region: profileOf(name).region })),
    new Set(s3Profiles[name].quirks),
  );

const authority = createAuthority();

/** Buckets as hosts, and TLS with an authority of one's own. */
const overTls = async (): Promise<S3Rig> => {
  const own = await authority;
  const tls = await own.issue(['s3.test', '*.s3.test']);
  return openS3Rig(
    { tls },
    { style: 'host', caChain: [own.ca], lookup: loopbackLookup },
    (server) => atHost(server, 's3.test'),
  );
};

describeObjectStore('S3 over TLS, buckets as hosts', async () => opened(await overTls()));

describeLinks('the server of the tests', async () => {
  const rig = await openS3Rig();
  return { ...opened(rig), options: rig.options };
});

describe('the S3 adapter', () => {
  it('tells how a bucket keeps what is deleted, and whether its keys may delete', async () => {
    const keys = { accessKey: 'testkey', secretKey: 'testsecret' };
    await using plain = await openS3Rig({ users: [{ ...keys, deletes: /^locks\// }] });
    await plain.store.put('sets/1', 'x');
    assert.deepEqual(await plain.store.protection('sets/0'), {
      versioning: 'off',
      lock: { kind: 'off' },
      mayDelete: 'no',
    });
    await using locked = await openS3Rig({ profile: 'aws' }, { region: 'eu-central-1' });
    assert.deepEqual(await locked.store.protection('sets/0'), {
      versioning: 'on',
      lock: { kind: 'default', mode: 'GOVERNANCE', days: 1 },
      mayDelete: 'yes',
    });
    await using silent = await openS3Rig();
    for (const operation of [/^GetBucketVersioning|^GetObjectLock/, 'DeleteObject'])
      silent.server.fail({
        operation,
        times: Infinity,
        fault: { answer: 501, code: 'NotImplemented' },
      });
    assert.deepEqual(await silent.store.protection('sets/0'), {
      versioning: 'unknown',
      lock: { kind: 'unknown' },
      mayDelete: 'unknown',
    });
    for (const { server } of [plain, locked, silent])
      assert.ok(!server.contents.keys('bench').includes('sets/0'));
  });

  it('names its bucket and its server', async () => {
    await using rig = await openS3Rig();
    assert.equal(rig.store.description, `bucket bench at ${rig.server.url}`);
  });

  it('names the buckets of its server, where they are paths and where they are hosts', async () => {
    await using paths = await openS3Rig();
    await using hosts = await overTls();
    for (const { store } of [paths, hosts])
      assert.ok((await store.bucketNames()).includes('bench'));
  });

  it('needs one request for each thing it is asked for', async () => {
    await using rig = await openS3Rig();
    const { server, store } = rig;
    await store.probe();
    await store.put('a', 'content');
    await store.read('a');
    await store.head('a');
    await store.delete(['a']);
    await store.delete(['a', 'b', 'c']);
    await Array.fromAsync(store.list(''));
    assert.deepEqual(
      server.requests.map(({ operation }) => operation),
      [
        'ListObjectsV2',
        'PutObject',
        'GetObject',
        'HeadObject',
        'DeleteObject',
        'DeleteObjects',
        'ListObjectsV2',
      ],
    );
  });

  it('can be used below a path of its endpoint', async () => {
    await using rig = await openS3Rig({ buckets: ['gateway'] });
    await using store = openS3({ ...rig.options, endpoint: `${rig.server.url}/gateway/` });
    await store.put('a//..', 'x');
    assert.deepEqual(rig.server.contents.keys('gateway'), ['bench/a//..']);
  });

  it('asks for the storage class, encryption and attributes with everything that it writes', async () => {
    await using rig = await openS3Rig(
      {},
      {
        storageClass: 'STANDARD_IA',
        serverSideEncryption: { algorithm: 'aws:kms', keyId: 'the-key' },
        extraHeaders: { 'X-Amz-Acl': 'private' },
      },
    );
    const { server, store } = rig;
    const md5 = '9a0364b9e99bb480dd25e1f0284c8555';
    const { etag } = await store.put('put', 'content', { md5 });
    assert.notEqual(etag, md5);
    await store.copy('put', 'copied', etag);
    const parts = await store.startParts('parts', {});
    await parts.put(1, Buffer.from('x'), 1);
    await parts.complete();
    for (const { headers } of server.contents.objects('bench')) {
      assert.equal(headers['x-amz-server-side-encryption'], 'aws:kms');
      assert.equal(headers['x-amz-server-side-encryption-aws-kms-key-id'], 'the-key');
      assert.equal(headers['x-amz-storage-class'], 'STANDARD_IA');
    }
  });

  it('copies in parts what is too large for one copy, metadata and tags included', async () => {
    const sizes = { singleCopy: 6 * 2 ** 20, copyPart: 5 * 2 ** 20 };
    await using rig = await openS3Rig({}, { sizes });
    const { server, store } = rig;
    const content = Buffer.alloc(11 * 2 ** 20, 'content that goes on');
    const metadata = { contentType: 'x/y', user: { a: 'ü' }, tags: { t: 'u v' } };
    const { etag } = await store.put('from', content, { metadata });
    await store.copy('from', 'to ü', etag);
    assert.equal(server.count('UploadPartCopy'), 3);
    assert.deepEqual(server.contents.read('bench', 'to ü'), content);
    assert.deepEqual((await store.head('to ü'))?.metadata, { ...metadata, tags: {} });
    assert.deepEqual(await store.tags('to ü'), metadata.tags);
  });

  it('leaves no parts behind when a copy in parts fails', async () => {
    const sizes = { singleCopy: 6 * 2 ** 20, copyPart: 5 * 2 ** 20 };
    await using rig = await openS3Rig({}, { sizes });
    const { server, store } = rig;
    const { etag } = await store.put('from', Buffer.alloc(11 * 2 ** 20));
    server.fail({
      operation: 'UploadPartCopy',
      nth: 2,
      fault: { answer: 403, code: 'AccessDenied' },
    });
    await assert.rejects(store.copy('from', 'to', etag), { code: 'store-denied' });
    assert.equal(await store.head('to'), undefined);
    assert.deepEqual(await Array.fromAsync(store.unfinishedUploads('')), []);
  });
});
