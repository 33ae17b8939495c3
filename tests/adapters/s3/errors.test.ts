import assert from 'node:assert/strict';
import type { S3User } from '../../servers/s3/signatures.ts';
import { advice, failsWith, failure } from './failing.ts';
import { openS3Rig } from '../../rigs/s3.ts';

const user = (access: NonNullable<S3User['access']>): S3User => ({
  accessKey: 'testkey',
  secretKey: 'testsecret',
  access,
});

describe('the S3 adapter tells an operator', () => {
  it('that the secret key is wrong', () =>
    failsWith(
      { secretKey: 'wrongsecret' },
      'store-denied',
      /^Could not list the bucket: bucket bench at http:\/\/127\.0\.0\.1:\d+ answered 403 SignatureDoesNotMatch/,
      'Check the keys of s3-integrator.',
    ));

  it('that the access key is not known', () =>
    failsWith({ accessKey: 'nobody' }, 'store-denied', 'InvalidAccessKeyId'));

  it('that the bucket does not exist', () =>
    failsWith({ bucket: 'nowhere' }, 'store-bucket-missing', 'NoSuchBucket', 'Create the bucket.'));

  it('that the clock is wrong', async () => {
    const clock = { now: () => new Date('2020-01-01'), sleep: async () => undefined };
    await failsWith({ clock }, 'store-denied', 'RequestTimeTooSkewed', '2020-01-01T00:00', 'clock');
  });

  it('that a user may only read, or do nothing', async () => {
    await using rig = await openS3Rig({ users: [user('read')] }, { advice });
    await rig.store.probe();
    await assert.rejects(
      rig.store.put('a', ''),
      failure('store-denied', 'write "a"', 'AccessDenied'),
    );
    await assert.rejects(rig.store.delete(['a', 'b']), failure('store-denied', 'delete 2 objects'));
    rig.server.setUsers([user('none')]);
    await assert.rejects(rig.store.probe(), failure('store-denied'));
    await assert.rejects(rig.store.head('a'), failure('store-denied', 'answered 403'));
  });

  it('that credentials have expired', async () => {
    await using rig = await openS3Rig({}, { advice });
    rig.server.fail({ fault: { answer: 400, code: 'ExpiredToken' } });
    await assert.rejects(rig.store.probe(), failure('store-denied', 'ExpiredToken'));
  });

  it('that the region is another one', async () => {
    await using rig = await openS3Rig({}, { region: 'eu-west-1' });
    rig.server.fail({ fault: { answer: 400, code: 'AuthorizationHeaderMalformed' } });
    await assert.rejects(rig.store.probe(), failure('store-refused', 'region is eu-west-1'));
  });

  it('which region Amazon redirects to, also when a HEAD has no body', async () => {
    await using rig = await openS3Rig({ profile: 'aws' }, { region: 'us-east-1' });
    const told = ['301', 'The region is us-east-1: set it to eu-central-1'] as const;
    await assert.rejects(rig.store.probe(), failure('store-refused', ...told));
    await assert.rejects(rig.store.head('a'), failure('store-refused', ...told));
    await assert.rejects(rig.store.put('a', ''), failure('store-refused', ...told));
    assert.equal(rig.server.requests.length, 3);
  });

  it('where a new bucket of Amazon is for now', async () => {
    await using rig = await openS3Rig({}, { advice });
    const location = 'https://bench.s3.eu-central-1.amazonaws.com/';
    rig.server.fail({ fault: { answer: 307, code: 'TemporaryRedirect', location } });
    await assert.rejects(rig.store.probe(), failure('store-refused', '307 TemporaryRedirect'));
  });

  it('that the server has no room left', async () => {
    await using rig = await openS3Rig();
    rig.server.fail({ fault: { answer: 507, code: 'XMinioStorageFull' } });
    await assert.rejects(rig.store.put('a', ''), failure('store-refused', 'no room'));
    rig.server.fail({ fault: { answer: 403, code: 'QuotaExceeded' } });
    await assert.rejects(rig.store.put('a', ''), failure('store-refused', 'no room'));
  });

  it('that a key is refused', async () => {
    await using rig = await openS3Rig({ profile: 'minio-2021' });
    await assert.rejects(
      rig.store.put('a/../b', ''),
      failure('store-refused', '"a/../b"', 'XMinioInvalidObjectName'),
    );
  });

  it('that an object lies in an archive, that a proxy takes no such body, and where we are sent', async () => {
    await using rig = await openS3Rig();
    const { server, store } = rig;
    server.fail({ fault: { answer: 403, code: 'InvalidObjectState' } });
    await assert.rejects(store.read('a'), failure('object-archived', 'thaw=true'));
    const { etag } = await store.put('a', 'x');
    const fault = { answer: 403, code: 'ObjectNotInActiveTierError' } as const;
    server.fail({ operation: 'CopyObject', fault });
    await assert.rejects(store.copy('a', 'b', etag), failure('object-archived', 'lifecycle'));
    server.fail({ fault: { answer: 413, code: '' } });
    await assert.rejects(store.put('a', ''), failure('store-refused', 'client_max_body_size'));
    server.fail({ fault: { answer: 308, code: '', location: 'https://s3.test/bench' } });
    await assert.rejects(store.probe(), failure('store-refused', 'https://s3.test/bench'));
  });

  it('that what stands before the server wants https, whichever status it says so with', async () => {
    await using rig = await openS3Rig();
    for (const answer of [301, 302, 307, 308]) {
      // As nginx does: a page in HTML, without a code of S3.
      rig.server.fail({ fault: { answer, code: '', location: 'https://s3.test/' } });
      const told = [`answered ${answer}`, 'It sends us to https://s3.test/', 'may want https'];
      await assert.rejects(rig.store.probe(), failure('store-refused', ...told));
      rig.server.fail({ fault: { answer, code: '', location: 'https://s3.test/' } });
      await assert.rejects(rig.store.head('a'), failure('store-refused', ...told));
    }
  });

  it('what a header must not hold', async () => {
    await using rig = await openS3Rig();
    const metadata = { user: { note: 'two\nlines' } };
    await assert.rejects(rig.store.put('a', '', { metadata }), failure('store-refused'));
    assert.deepEqual(rig.server.requests, []);
  });
});
