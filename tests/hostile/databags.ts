/** Databags of the s3 interface whose sender wishes us ill, or only was careless. */
export const hostileS3: readonly (readonly [
  name: string,
  change: Readonly<Record<string, string>>,
])[] = [
  ['a bucket with a space', { bucket: 'my bucket' }],
  ['a bucket that is a path', { bucket: 'a/b' }],
  ['a bucket above', { bucket: '..' }],
  ['a bucket with a line end', { bucket: 'bucket\nX-Evil: 1' }],
  ['a bucket without an end', { bucket: 'b'.repeat(1_000_000) }],
  ['an endpoint that is no URL', { endpoint: 'http://[' }],
  ['an endpoint with a login', { endpoint: 'https://me:hushhush@s3.test' }],
  ['an endpoint that is a file', { endpoint: 'file:///etc/passwd' }],
  ['an endpoint with a query', { endpoint: 'https://s3.test/?x=1' }],
  ['a port that there is not', { endpoint: 'https://s3.test:99999' }],
  ['a path above', { path: 'a/../../b' }],
  ['a path with an escape code', { path: 'a\u001b[2J' }],
  ['a path without an end', { path: 'a/'.repeat(100_000) }],
  ['a region that is a host', { region: 'eu/../evil.test#' }],
  ['a region with a line end', { region: 'eu\r\nX-Evil: 1' }],
  ['a chain without a certificate', { 'tls-ca-chain': 'nonsense' }],
  [
    'a certificate that is not one',
    { 'tls-ca-chain': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' },
  ],
  ['a signature of old', { 's3-api-version': '2' }],
];

/** The same of MinIO's side of object-storage. */
export const hostileObjectStorage: readonly (readonly [name: string, yaml: string])[] = [
  ['no data', 'service: minio\n'],
  ['a service that is a URL', storage({ service: 'evil.test/x' })],
  [
    'a service that is an address without an end',
    storage({ service: '1.2.3.4.5', namespace: '~' }),
  ],
  ['a port that there is not', storage({ port: '99999' })],
  ['a port that is text', storage({ port: 'seven' })],
  ['a namespace above', storage({ namespace: '..' })],
  ['aliases that multiply', 'a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]\n'],
  ['a tag that makes an object', 'service: !!python/object/apply:os.system ["id"]\n'],
  ['lists in lists', '['.repeat(5000)],
  ['no YAML', '\u0000'],
];

function storage(change: Readonly<Record<string, string>>): string {
  const good = {
    'access-key': 'minio',
    'secret-key': 'hushhush',
    service: 'minio',
    namespace: 'kubeflow',
    port: '9000',
    secure: 'false',
  };
  return Object.entries({ ...good, ...change })
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
}
