import type { S3Quirk } from './quirks.ts';

/** A server as it is: how it differs from what AWS promises. */
export interface S3Profile {
  /** The `Server` header. */
  readonly server: string;
  /** For people. */
  readonly title: string;
  readonly quirks: ReadonlySet<S3Quirk>;
  /** What a body with a trailer is answered. */
  readonly trailers: { readonly status: number; readonly code: string };
  /** The only region that signatures may name; undefined takes any. */
  readonly region?: string;
}

/** A profile with some more quirks. */
export const profileOf = (name: S3ProfileName, more: readonly S3Quirk[] = []): S3Profile => {
  const profile: Listed = s3Profiles[name];
  return { ...profile, quirks: new Set([...profile.quirks, ...more]) };
};

type Listed = Omit<S3Profile, 'quirks'> & { readonly quirks: readonly S3Quirk[] };

const awsTrailers = { status: 501, code: 'NotImplemented' };

const minioKeys = [
  'refuses-odd-segments',
  'refuses-long-segments',
  'finds-uploads-by-key-only',
] as const satisfies readonly S3Quirk[];

const radosGw16 = {
  server: 'Ceph Object Gateway (pacific)',
  trailers: { status: 411, code: 'MissingContentLength' },
  quirks: [
    'compares-bare-etags',
    'ignores-complete-conditions',
    'ignores-copy-conditions',
    'ignores-checksums',
    'hides-part-sizes',
    'encodes-uploads-silently',
    'hides-completed-etag',
    'forgets-tags-of-parts',
    'writes-spaces-as-spaces',
  ],
} as const satisfies Partial<Listed>;

export const s3Profiles = {
  target: {
    server: 'S3',
    title: 'S3 as AWS promises it',
    trailers: awsTrailers,
    quirks: [],
  },
  'minio-2021': {
    server: 'MinIO',
    title: 'MinIO RELEASE.2021-09-03 on one drive, as Charmed Kubeflow has it',
    trailers: { status: 400, code: 'XAmzContentSHA256Mismatch' },
    quirks: [
      ...minioKeys,
      'ignores-put-conditions',
      'ignores-complete-conditions',
      'ignores-checksums',
      'refuses-objects-beside-folders',
      'spoils-tags',
    ],
  },
  'minio-2025': {
    server: 'MinIO',
    title: 'MinIO of 2025-10',
    trailers: awsTrailers,
    quirks: [
      ...minioKeys,
      'lists-all-uploads',
      'takes-ascii-tags',
      'hides-objects-below-objects',
      'encodes-metadata',
      'hides-encryption-of-copies',
    ],
  },
  'radosgw-16': { ...radosGw16, title: 'RadosGW 16' },
  'radosgw-16-versioned': {
    ...radosGw16,
    title: 'RadosGW 16, in a bucket with versioning',
    quirks: [...radosGw16.quirks, 'keeps-versions', 'loses-conditions-in-versions'],
  },
  'radosgw-20-versioned': {
    server: 'Ceph Object Gateway (tentacle)',
    title: 'RadosGW 20, in a bucket with versioning',
    trailers: awsTrailers,
    quirks: ['keeps-versions', 'lets-racers-win'],
  },
  versitygw: {
    server: 'VERSITYGW',
    title: 'versitygw over a POSIX file system',
    trailers: awsTrailers,
    quirks: [
      'tidies-keys',
      'loses-control-characters',
      'refuses-long-segments',
      'refuses-objects-beside-folders',
      'refuses-full-folders',
      'refuses-odd-tags',
    ],
  },
  aws: {
    server: 'AmazonS3',
    title: 'AWS, in a bucket with Object Lock',
    trailers: awsTrailers,
    region: 'eu-central-1',
    quirks: [
      'keeps-versions',
      'demands-digests',
      'encodes-metadata',
      'refuses-odd-tags',
      'freezes-archives',
      'slows-down',
      'redirects-regions',
    ],
  },
  r2: {
    server: 'cloudflare',
    title: 'Cloudflare R2',
    trailers: awsTrailers,
    quirks: ['refuses-tags', 'sends-gzip-chunked'],
  },
  'gcs-xml': {
    server: 'UploadServer',
    title: 'Google Cloud Storage through its XML API',
    trailers: awsTrailers,
    quirks: [
      'ignores-put-conditions',
      'ignores-complete-conditions',
      'ignores-checksums',
      'hashes-parts-otherwise',
      'unpacks-gzip',
    ],
  },
} as const satisfies Record<string, Listed>;

export type S3ProfileName = keyof typeof s3Profiles;

export const s3ProfileNames = Object.keys(s3Profiles) as S3ProfileName[];
