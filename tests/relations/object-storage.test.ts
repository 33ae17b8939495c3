import assert from 'node:assert/strict';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { CharmError, hasCode } from '../../src/errors.ts';
import { readObjectStorage } from '../../src/relations/object-storage.ts';

const data = (change: Record<string, string> = {}): string =>
  Object.entries({
    'access-key': 'minio',
    namespace: 'kubeflow',
    port: '9000',
    'secret-key': 'AB12',
    secure: 'false',
    service: 'minio',
    ...change,
  })
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');

const read = (text: string) => readObjectStorage('minio', { data: text });

describe('object storage', () => {
  it('is read as MinIO writes it', () => {
    assert.deepEqual(read(data()), {
      endpoint: 'http://minio.kubeflow:9000',
      accessKey: 'minio',
      secretKey: 'AB12',
    });
    assert.equal(read(data({ secure: 'true' })).endpoint, 'https://minio.kubeflow:9000');
    assert.equal(read(data({ namespace: 'null' })).endpoint, 'http://minio:9000');
  });

  // PyYAML leaves these without quotes; YAML 1.2 takes them for numbers, booleans and nothing.
  for (const key of ['12345678e9', '123E456', '1e3', '0o17777777', '-.5e3', '0012', 'true', '.inf'])
    it(`keeps the secret key ${key} as it is`, () => {
      assert.equal(read(data({ 'secret-key': key })).secretKey, key);
    });

  it('is asked over TLS when there is an authority to trust, whatever its charm says', () => {
    const { endpoint } = readObjectStorage('minio', { data: data() }, ['a certificate']);
    assert.equal(endpoint, 'https://minio.kubeflow:9000');
  });

  it('reads quoted, folded and JSON texts', () => {
    assert.equal(read(data({ 'secret-key': '"a: b # c"' })).secretKey, 'a: b # c');
    assert.equal(read(data({ 'secret-key': 'one\n  two' })).secretKey, 'one two');
    const json = JSON.stringify({
      'access-key': 'm',
      'secret-key': 's',
      port: 9000,
      secure: false,
      service: 'minio',
      namespace: null,
    });
    assert.equal(read(json).endpoint, 'http://minio:9000');
  });

  it('waits while there is no data', () => {
    for (const databag of [{}, { data: '' }, { _supported_versions: '- v1\n' }])
      assert.throws(
        () => readObjectStorage('minio', databag),
        (error) => hasCode(error, 'relation-incomplete'),
      );
  });

  it('names the field that is wrong and never a value', () => {
    for (const [change, field] of [
      [{ port: 'seven' }, 'port'],
      [{ secure: 'maybe' }, 'secure'],
      [{ service: 'a b' }, 'service'],
      [{ port: '-1' }, 'port'],
      [{ 'secret-key': "''" }, 'secret-key'],
    ] as const)
      assert.throws(
        () => read(data({ 'access-key': 'hushhush', ...change })),
        (error) =>
          hasCode(error, 'relation-invalid') &&
          error.message.includes(`(${field})`) &&
          !error.message.includes('hush'),
      );
    for (const change of [{ port: '99999' }, { service: '1.2.3.4', namespace: '5' }])
      assert.throws(
        () => read(data(change)),
        (error) => hasCode(error, 'relation-invalid'),
      );
    assert.throws(
      () => read('service: minio\n'),
      (error) => hasCode(error, 'relation-invalid'),
    );
  });

  it('is read or refused, whatever it is', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc.dictionary(fc.string(), fc.string()).map((value) => stringify(value)),
      fc.string().map((key) => data({ 'secret-key': key })),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          read(text);
        } catch (error) {
          assert.ok(error instanceof CharmError, String(error));
        }
      }),
    );
  });
});
