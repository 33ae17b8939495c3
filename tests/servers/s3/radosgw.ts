import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { freePort } from '../network/free-port.ts';
import { testUser } from './server.ts';

/** A real RadosGW on loopback with a disk in memory. Its user is `testUser`. */
export interface RadosGw extends AsyncDisposable {
  readonly url: string;
  createBucket(name: string): Promise<void>;
  /** A bucket that keeps versions. */
  createVersionedBucket(name: string): Promise<void>;
  /** Sets the policy of a bucket, as its owner. The user `ckf-backup` has no other rights. */
  setPolicy(bucket: string, policy: object): Promise<void>;
  /** How many requests it was sent since it was started or reset. */
  requests(): number;
  /** Forgets everything that it stores. */
  reset(): void;
}

const programs = ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph', 'curl'];

/** Debian's packages of these programs. */
export const radosGwPackages = ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-common', 'curl'] as const;

/**
 * The version of the RadosGW that this machine has; undefined when a program of it is missing, or
 * we are not root.
 */
export const radosGwVersion = (): string | undefined => {
  if (process.getuid?.() !== 0) return undefined;
  try {
    const [told = ''] = programs.map((program) =>
      execFileSync(program, ['--version'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    );
    return /version (\S+)/.exec(told)?.[1];
  } catch {
    return undefined;
  }
};

/** Another user than the owner of the buckets. */
export const backupUser = { accessKey: 'backupkey', secretKey: 'backupsecret' } as const;

export const startRadosGw = async (
  directory = mkdtempSync(join(tmpdir(), 'radosgw-')),
): Promise<RadosGw> => {
  const [port, monitor] = [await freePort(), await freePort()];
  const run = (...parameters: readonly string[]): string =>
    execFileSync('bash', [join(import.meta.dirname, 'radosgw.sh'), ...parameters], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const begin = (): void => {
    run('start', directory, String(port), String(monitor));
  };
  const end = (): void => {
    run('stop', directory);
  };
  begin();
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    createBucket: (name) => createBucket(url, name),
    createVersionedBucket: (name) => createBucket(url, name, { isVersioned: true }),
    setPolicy: (bucket, policy) =>
      asOwner(url, (client) =>
        client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify(policy) })),
      ),
    requests: () => {
      const told = JSON.parse(run('requests', directory)) as { rgw: { req: number } };
      return told.rgw.req;
    },
    reset: () => {
      end();
      begin();
    },
    [Symbol.asyncDispose]: async () => {
      end();
    },
  };
};

/** As `testUser`, on whatever server. */
export const createBucket = async (
  url: string,
  name: string,
  { isVersioned = false } = {},
): Promise<void> => {
  await asOwner(url, async (client) => {
    await client.send(new CreateBucketCommand({ Bucket: name }));
    if (isVersioned)
      await client.send(
        new PutBucketVersioningCommand({
          Bucket: name,
          VersioningConfiguration: { Status: 'Enabled' },
        }),
      );
  });
};

const asOwner = async (
  url: string,
  work: (client: S3Client) => Promise<unknown>,
): Promise<void> => {
  const client = new S3Client({
    endpoint: url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: testUser.accessKey, secretAccessKey: testUser.secretKey },
  });
  try {
    await work(client);
  } finally {
    client.destroy();
  }
};
