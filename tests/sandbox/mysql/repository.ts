import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';

/**
 * The path in S3 that mysql-k8s was given over its relation `s3-parameters`, reached as boto3
 * would.
 */
export interface Repository extends Disposable {
  put(name: string, body: string | Uint8Array): Promise<void>;
  /**
   * Undefined for every failure, as the charm's `_read_content_from_s3` does: wrong credentials
   * look like "not there".
   */
  read(name: string): Promise<Buffer | undefined>;
  /** The names below `prefix`, one level deep, as a list with the delimiter `/` gives them. */
  names(prefix: string): Promise<readonly string[]>;
}

/** What is missing before the charm can use S3, in the charm's own order. */
export const missingParameters = (databag: Readonly<Record<string, string>>): string[] =>
  ['bucket', 'access-key', 'secret-key'].filter((key) => (databag[key] ?? '') === '');

export const openRepository = (databag: Readonly<Record<string, string>>): Repository => {
  const bucket = databag['bucket'] ?? '';
  const path = (databag['path'] ?? '').replace(/^\/+|\/+$/g, '');
  const client = new S3Client({
    endpoint: databag['endpoint'] ?? 'https://s3.amazonaws.com',
    region: databag['region'] ?? 'us-east-1',
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 2,
    credentials: {
      accessKeyId: databag['access-key'] ?? '',
      secretAccessKey: databag['secret-key'] ?? '',
    },
  });
  const keyOf = (name: string): string => `${path}/${name}`;

  return {
    put: async (name, body) => {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: keyOf(name), Body: body }));
    },
    read: async (name) => {
      try {
        const { Body } = await client.send(
          new GetObjectCommand({ Bucket: bucket, Key: keyOf(name) }),
        );
        return Body && Buffer.from(await Body.transformToByteArray());
      } catch {
        return undefined;
      }
    },
    names: async (prefix) => {
      const names: string[] = [];
      let token: string | undefined;
      do {
        const page = await client.send(
          new ListObjectsV2Command({
            Bucket: bucket,
            Prefix: keyOf(prefix),
            Delimiter: '/',
            ContinuationToken: token,
          }),
        );
        for (const { Key } of page.Contents ?? [])
          if (Key !== undefined) names.push(Key.slice(path.length + 1));
        token = page.NextContinuationToken;
      } while (token !== undefined);
      return names.sort();
    },
    [Symbol.dispose]: () => {
      client.destroy();
    },
  };
};
