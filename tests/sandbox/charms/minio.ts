/** Where the MinIO charm says that its server is, and the keys of its root user. */
export interface MinioAddress {
  readonly service: string;
  readonly port: number;
  readonly accessKey: string;
  readonly secretKey: string;
}

/** What the charm minio makes of a requirer's databag: its own databag, and its own status. */
export interface MinioAnswer {
  readonly databag: Record<string, string>;
  readonly status: { readonly status: 'active' | 'waiting' | 'blocked'; readonly message: string };
}

/**
 * The relation `object-storage` by the rules of serialized-data-interface: a requirer that names no
 * version makes MinIO itself wait, and one that writes `data` blocks it.
 */
export const minioAnswer = (
  address: MinioAddress,
  requirer: { readonly application: string; readonly databag: Readonly<Record<string, string>> },
): MinioAnswer => {
  const versions = { _supported_versions: '- v1\n' };
  const named = requirer.databag['_supported_versions'];
  if (named === undefined)
    return {
      databag: versions,
      status: {
        status: 'waiting',
        message: `List of object-storage versions not found for apps: ${requirer.application}`,
      },
    };
  if (requirer.databag['data'] !== undefined || !['- v1\n', '["v1"]'].includes(named))
    return {
      databag: versions,
      status: { status: 'blocked', message: 'Missing schema for object-storage' },
    };
  return {
    // Without a namespace the service alone is the host.
    databag: { ...versions, data: data(address) },
    status: { status: 'active', message: '' },
  };
};

/**
 * As PyYAML writes it: keys sorted, and no quotes around a key such as 123E456 although other
 * parsers read a number there.
 */
const data = ({ service, port, accessKey, secretKey }: MinioAddress): string =>
  [
    `access-key: ${accessKey}`,
    'namespace: null',
    `port: ${port}`,
    `secret-key: ${secretKey}`,
    'secure: false',
    `service: ${service}`,
    '',
  ].join('\n');
