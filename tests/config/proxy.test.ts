import assert from 'node:assert/strict';
import { proxyFor } from '../../src/config/proxy.ts';
import { hasCode } from '../../src/errors.ts';

const through = (url: string, environment: Record<string, string>): string | undefined =>
  proxyFor(environment, new URL(url))?.href;

const secure = { JUJU_CHARM_HTTPS_PROXY: 'http://proxy.test:3128' };
const excepts = (url: string, list: string): boolean =>
  through(url, { ...secure, JUJU_CHARM_NO_PROXY: list }) === undefined;

describe('the proxy of the model', () => {
  it('is the one of the scheme, and none where Juju names none', () => {
    const both = { ...secure, JUJU_CHARM_HTTP_PROXY: 'http://plain.test:3128' };
    assert.equal(through('https://s3.test', both), 'http://proxy.test:3128/');
    assert.equal(through('http://s3.test', both), 'http://plain.test:3128/');
    assert.equal(through('http://s3.test', secure), undefined);
    assert.equal(through('https://s3.test', { JUJU_CHARM_HTTPS_PROXY: ' ' }), undefined);
  });

  it('is also the one of the older options of a model, which Juju gives in small letters', () => {
    const older = { https_proxy: 'http://old.test:8080', no_proxy: 'minio.test' };
    assert.equal(through('https://s3.test', older), 'http://old.test:8080/');
    assert.equal(through('https://minio.test', older), undefined);
  });

  it('may be written without a scheme, and hold a user and a password', () => {
    const bare = { JUJU_CHARM_HTTPS_PROXY: 'proxy.test:3128' };
    assert.equal(through('https://s3.test', bare), 'http://proxy.test:3128/');
    const user = { JUJU_CHARM_HTTPS_PROXY: 'https://me:s%40crt@proxy.test' };
    assert.equal(through('https://s3.test', user), 'https://me:s%40crt@proxy.test/');
  });

  for (const value of [
    'socks5://proxy.test:1080',
    'http://proxy test',
    'ftp://x',
    'http://a:5%25%zz@p',
  ])
    it(`is refused, by the option that sets it and without its value: ${value}`, () => {
      assert.throws(
        () => through('https://s3.test', { JUJU_CHARM_HTTPS_PROXY: value }),
        (error) =>
          hasCode(error, 'proxy-invalid') &&
          error.message.includes('juju model-config juju-https-proxy=') &&
          !error.message.includes(value),
      );
    });

  it('is not for loopback', () => {
    for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '[::1]'])
      assert.ok(excepts(`https://${host}:9000`, ''), host);
  });

  for (const [list, excepted, asked] of [
    ['*', ['https://s3.test'], []],
    ['s3.test', ['https://s3.test', 'https://b.s3.test'], ['https://ns3.test', 'https://test']],
    ['.s3.test', ['https://s3.test', 'https://b.s3.test'], ['https://ns3.test']],
    ['*.s3.test', ['https://b.s3.test'], ['https://ns3.test']],
    ['S3.Test:9000', ['https://s3.test:9000'], ['https://s3.test', 'https://s3.test:9001']],
    ['s3.test:443', ['https://s3.test'], ['https://s3.test:9000']],
    ['10.1.0.0/16', ['https://10.1.255.4'], ['https://10.2.0.1', 'https://s3.test']],
    ['10.1.2.3', ['https://10.1.2.3:9000'], ['https://10.1.2.4']],
    ['fd00::/8', ['https://[fd12::1]'], ['https://[fe80::1]', 'https://10.1.2.3']],
    ['[fd00::1]:9000', ['https://[fd00::1]:9000'], ['https://[fd00::1]']],
    [
      '10.1.0.0/16,10.152.183.0/24,10.0.2.0/24,127.0.0.1,.svc,.local,.kubeflow',
      ['https://minio.kubeflow:9000', 'https://rgw.ceph.svc', 'https://10.152.183.7'],
      ['https://s3.eu-west-1.amazonaws.com', 'https://10.152.184.7'],
    ],
    [' , ,.,10.1.0.0/99x,:80', [], ['https://s3.test', 'https://10.1.0.1']],
  ] as const)
    it(`leaves out what ${list} names`, () => {
      for (const url of excepted) assert.ok(excepts(url, list), `${url} goes through the proxy`);
      for (const url of asked) assert.ok(!excepts(url, list), `${url} is excepted`);
    });
});
