import { join } from 'node:path';
import type { S3NewObject } from '../../servers/s3/contents.ts';
import { type S3Server, startS3Server } from '../../servers/s3/server.ts';
import { seedBucket } from '../bucket-data.ts';
import type { MinioAddress } from '../charms/minio.ts';
import type { S3IntegratorConfig } from '../charms/s3-integrator.ts';
import type { BucketAccess } from './bucket.ts';
import type { Settings } from './settings.ts';

/** The two S3 servers: MinIO with the bucket of Kubeflow Pipelines, and where backups go. */
export interface Stores extends AsyncDisposable {
  readonly minio: S3Server;
  readonly target: S3Server;
  readonly source: BucketAccess;
  readonly backups: BucketAccess;
  /** As their charms tell it. */
  readonly minioAddress: MinioAddress;
  readonly s3Integrator: S3IntegratorConfig;
}

export const startStores = async (
  directory: string,
  { keys, s3Integrator: track, small }: Settings,
): Promise<Stores> => {
  await using servers = new AsyncDisposableStack();
  const minioUser = { accessKey: 'minio', secretKey: keys.minioSecretKey };
  const targetUser = { accessKey: 'ckf-backup-s3', secretKey: keys.targetSecretKey };
  const minio = servers.use(
    await startS3Server({
      directory: join(directory, 'minio'),
      profile: 'minio-2021',
      users: [minioUser],
      buckets: ['mlpipeline'],
    }),
  );
  if (minio.contents.objects('mlpipeline').length === 0) {
    if (small) minio.contents.put('mlpipeline', ...fewObjects());
    else seedBucket(minio, 'mlpipeline', { seed: 1 });
  }
  const target = servers.use(
    await startS3Server({
      directory: join(directory, 's3'),
      profile: 'target',
      users: [targetUser],
      buckets: ['ckf-backups'],
    }),
  );
  const opened = servers.move();
  return {
    minio,
    target,
    source: { ...minioUser, endpoint: minio.url, bucket: 'mlpipeline' },
    backups: { ...targetUser, endpoint: target.url, bucket: 'ckf-backups' },
    minioAddress: { ...minioUser, service: '127.0.0.1', port: minio.port },
    s3Integrator: { ...targetUser, track, endpoint: target.url, bucket: 'ckf-backups' },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
};

/** One object of each kind that matters, and a few more. */
const fewObjects = (): S3NewObject[] => [
  ...Array.from({ length: 20 }, (_, run) => ({
    key: `artifacts/train-${run}/2026/11/21/train-${run}-1/main.log`,
    content: `step finished in ${run} s\n`,
    contentType: 'text/plain',
  })),
  { key: 'pipelines/6d3a1f0e', content: 'kind: PipelineSpec\n' },
  { key: 'v2/artifacts/a b/größe+50%/model', content: Buffer.alloc(300_000, 7) },
  { key: 'v2/artifacts/a b/empty', content: '' },
  {
    key: 'v2/artifacts/a b/in-parts',
    content: Buffer.alloc(11 * 2 ** 20, 5),
    partSize: 5 * 2 ** 20,
  },
];
