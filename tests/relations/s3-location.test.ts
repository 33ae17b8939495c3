import assert from 'node:assert/strict';
import fc from 'fast-check';
import { CharmError, hasCode } from '../../src/errors.ts';
import { createAuthority } from '../servers/network/certificates.ts';
import { readS3Location } from '../../src/relations/s3-location.ts';

const keys = { bucket: 'bkt', 'access-key': 'AK', 'secret-key': 'hushhush' };
const read = (data: Record<string, string>, bucket?: string) =>
  readS3Location('s3-integrator', { ...keys, ...data }, undefined, bucket);

const authorities = Promise.all([createAuthority('one'), createAuthority('two')]);
const pem = (body: string): string =>
  `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----`;

describe('an S3 location', () => {
  it('is Amazon by default, at the region that was given', () => {
    assert.deepEqual(read({}), {
      bucket: 'bkt',
      path: undefined,
      endpoint: 'https://s3.amazonaws.com',
      region: undefined,
      style: 'host',
      accessKey: 'AK',
      secretKey: 'hushhush',
      caChain: [],
      storageClass: undefined,
      attributes: {},
    });
    const regional = read({ region: 'eu-west-2', endpoint: 'https://s3.amazonaws.com/' });
    assert.equal(regional.endpoint, 'https://s3.eu-west-2.amazonaws.com');
    const explicit = read({ endpoint: 'https://s3.eu-central-1.amazonaws.com' });
    assert.deepEqual(
      [explicit.endpoint, explicit.style],
      ['https://s3.eu-central-1.amazonaws.com', 'host'],
    );
  });

  it('is asked by path everywhere else, unless the provider says otherwise', () => {
    assert.equal(read({ endpoint: 'http://minio:9000' }).style, 'path');
    assert.equal(read({ endpoint: 'http://minio:9000', 's3-uri-style': 'host' }).style, 'host');
  });

  it('is asked by path at Amazon when the bucket has dots, for which no certificate is right', () => {
    for (const style of [{}, { 's3-uri-style': 'host' }])
      assert.equal(read({ ...style, bucket: 'backups.example.com' }).style, 'path');
    assert.equal(read({}, 'backups.example.com').style, 'path');
    const elsewhere = { endpoint: 'https://s3.example.com', 's3-uri-style': 'host' };
    assert.equal(read({ ...elsewhere, bucket: 'a.b' }).style, 'host');
  });

  it('takes an endpoint with blanks, slashes or no scheme, and RadosGW without a region', () => {
    const { endpoint, region } = read({ endpoint: ' https://rgw.local/swift// ', region: '' });
    assert.deepEqual([endpoint, region], ['https://rgw.local/swift', undefined]);
    assert.equal(read({ endpoint: 'rgw.local:8080' }).endpoint, 'https://rgw.local:8080');
  });

  it('takes the path without the slashes at its ends', () => {
    assert.equal(read({ path: '/a/b/' }).path, 'a/b');
    assert.equal(read({ path: '/' }).path, undefined);
  });

  it('takes the CA chain in all its forms', async () => {
    const [one = '', two = ''] = (await authorities).map(({ ca }) => ca.trim());
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    for (const chain of [
      JSON.stringify([one, two]),
      JSON.stringify([base64(one), base64(two)]),
      JSON.stringify(`${one}\n${two}`),
      `${one}\n${two}\n`,
      base64(`${one}\n${two}`),
    ])
      assert.deepEqual(read({ 'tls-ca-chain': chain }).caChain, [one, two]);
  });

  it('names the certificate of a chain that is not one, in the charm’s own words', async () => {
    const [{ ca }] = await authorities;
    for (const [chain, place] of [
      [[ca, pem('AAAA'), ca].join('\n'), 'number 2 of 3'],
      [JSON.stringify([ca, pem('AAAA')]), 'entry 2'],
      [`${ca}\n-----BEGIN PRIVATE KEY-----\nhush\n-----END PRIVATE KEY-----`, 'number 2 of 2'],
      [ca.slice(0, 200), 'number 1 of 1'],
    ] as const)
      assert.throws(
        () => read({ 'tls-ca-chain': chain }),
        (error) =>
          hasCode(error, 'relation-invalid') &&
          error.message.includes(place) &&
          error.message.includes('juju config s3-integrator tls-ca-chain=') &&
          !error.message.includes('hush'),
      );
  });

  it('takes the attributes of both tracks as headers', () => {
    const expected = { 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-acl': 'a=b' };
    const list = ['X-Amz-Server-Side-Encryption=aws:kms', 'x-amz-acl=a=b'];
    assert.deepEqual(read({ attributes: JSON.stringify(list) }).attributes, expected);
    assert.deepEqual(read({ attributes: list.join(', ') }).attributes, expected);
  });

  it('prefers the credentials of the secret, and the bucket of the option', () => {
    const secret = { 'access-key': 'SAK', 'secret-key': 'ssk' };
    const location = readS3Location('s3-integrator', { bucket: 'theirs' }, secret, 'ours');
    assert.deepEqual(
      [location.bucket, location.accessKey, location.secretKey],
      ['ours', 'SAK', 'ssk'],
    );
  });

  it('keeps an access key of digits as it is', () => {
    assert.equal(read({ 'access-key': '0123' }).accessKey, '0123');
  });

  it('waits for what is missing and names it', () => {
    assert.throws(
      () => readS3Location('s3', { bucket: 'b' }, undefined, undefined),
      (error) =>
        hasCode(error, 'relation-incomplete') &&
        error.message.startsWith('s3 has not sent access-key, secret-key yet.'),
    );
  });

  it('refuses what it cannot use, and tells how to change it', () => {
    for (const [option, value] of [
      ['endpoint', 'ftp://host'],
      ['endpoint', 'https://user:hushhush@host'],
      ['path', 'a/../b'],
      ['path', 'sauvegarde-été'],
      ['path', 'back ups/prod'],
      ['bucket', 'my bucket'],
      ['bucket', 'a/b'],
      ['bucket', '..'],
      ['bucket', 'x'.repeat(5000)],
      ['s3-api-version', '2'],
      ['tls-ca-chain', 'nonsense'],
    ] as const)
      assert.throws(
        () => read({ [option]: value }),
        (error) =>
          hasCode(error, 'relation-invalid') &&
          error.message.includes(`juju config s3-integrator ${option}=`) &&
          error.message.length <= 400 &&
          !error.message.includes('hush'),
      );
  });

  it('is read or refused, whatever the databag holds', () => {
    const names = [
      'endpoint',
      'region',
      'path',
      'tls-ca-chain',
      'attributes',
      's3-uri-style',
      'bucket',
    ];
    const databags = fc.dictionary(
      fc.constantFrom(...names),
      fc.oneof(fc.string(), fc.json(), fc.webUrl()),
    );
    fc.assert(
      fc.property(databags, (databag) => {
        try {
          const { endpoint } = read(databag);
          assert.ok(URL.canParse(endpoint));
        } catch (error) {
          assert.ok(error instanceof CharmError, String(error));
        }
      }),
    );
  });
});
