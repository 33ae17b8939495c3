import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';

/** Where a bucket is and who may use it. */
export interface BucketAccess {
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

/** A bucket of the box, as somebody sees it who has nothing to do with the charm's own adapter. */
export interface Bucket extends Disposable {
  list(prefix?: string): Promise<readonly { readonly key: string; readonly size: number }[]>;
  read(key: string): Promise<Buffer>;
  sha256(key: string): Promise<string>;
  write(key: string, body: string | Uint8Array): Promise<void>;
  remove(key: string): Promise<void>;
}

export const openBucket = ({ endpoint, bucket, accessKey, secretKey }: BucketAccess): Bucket => {
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  });
  const at = { Bucket: bucket };
  const open = async (key: string) => {
    const { Body } = await client.send(new GetObjectCommand({ ...at, Key: key }));
    if (!(Body instanceof Readable)) throw new Error(`${key} has no body`);
    return Body;
  };
  return {
    async list(prefix = '') {
      const objects: { key: string; size: number }[] = [];
      for await (const page of paginateListObjectsV2({ client }, { ...at, Prefix: prefix }))
        for (const { Key: key = '', Size: size = 0 } of page.Contents ?? [])
          objects.push({ key, size });
      return objects;
    },
    read: async (key) => Buffer.concat(await (await open(key)).toArray()),
    async sha256(key) {
      const hash = createHash('sha256');
      await pipeline(await open(key), hash);
      return hash.digest('hex');
    },
    write: async (key, body) => {
      await client.send(new PutObjectCommand({ ...at, Key: key, Body: body }));
    },
    remove: async (key) => {
      await client.send(new DeleteObjectCommand({ ...at, Key: key }));
    },
    [Symbol.dispose]: () => {
      client.destroy();
    },
  };
};
