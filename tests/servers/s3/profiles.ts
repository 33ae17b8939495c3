/** How a server differs from AWS, which `target` behaves like. */
export interface S3Profile {
  /** The `Server` header. */
  readonly server: string;
  /** If-None-Match and If-Match of a PUT: heeded; or passed over without a word. */
  readonly putConditions: 'heeded' | 'unquoted-only' | 'ignored';
  readonly completeConditions: boolean;
  readonly copyConditions: boolean;
  /** x-amz-checksum-*: verified, or passed over. */
  readonly checksums: boolean;
  /** What a body with a trailer is answered. */
  readonly trailers: { readonly status: number; readonly code: string };
  /** HEAD ?partNumber= tells the number and the sizes of parts. */
  readonly partNumbers: boolean;
  /** Keys with `.`, `..` or empty segments. */
  readonly anyKey: boolean;
  /** ListMultipartUploads finds by prefix; or by a whole key only. */
  readonly uploadsByPrefix: boolean;
  /** ListMultipartUploads says that it encoded the keys, and encodes its markers as well. */
  readonly uploadsSayEncoded: boolean;
  /** CompleteMultipartUpload tells the ETag of what it made. */
  readonly completionTellsEtag: boolean;
  /** An object in parts has the tags that its upload was begun with. */
  readonly partsKeepTags: boolean;
  /** A listing writes a space as a plus. */
  readonly plusForSpace: boolean;
}

export const s3Profiles = {
  /** AWS, or a current MinIO or RadosGW 20. */
  target: {
    server: 'AmazonS3',
    putConditions: 'heeded',
    completeConditions: true,
    copyConditions: true,
    checksums: true,
    trailers: { status: 501, code: 'NotImplemented' },
    partNumbers: true,
    anyKey: true,
    uploadsByPrefix: true,
    uploadsSayEncoded: true,
    completionTellsEtag: true,
    partsKeepTags: true,
    plusForSpace: true,
  },
  /** RELEASE.2021-09-03 on one drive, as Charmed Kubeflow has it. */
  'minio-2021': {
    server: 'MinIO',
    putConditions: 'ignored',
    completeConditions: false,
    copyConditions: true,
    checksums: false,
    trailers: { status: 400, code: 'XAmzContentSHA256Mismatch' },
    partNumbers: true,
    anyKey: false,
    uploadsByPrefix: false,
    uploadsSayEncoded: true,
    completionTellsEtag: true,
    partsKeepTags: true,
    plusForSpace: true,
  },
  /** RadosGW 16, the oldest target: facts from a matrix of probes of the real one. */
  'radosgw-16': {
    server: 'Ceph Object Gateway (pacific)',
    putConditions: 'unquoted-only',
    completeConditions: false,
    copyConditions: false,
    checksums: false,
    trailers: { status: 411, code: 'MissingContentLength' },
    partNumbers: false,
    anyKey: true,
    uploadsByPrefix: true,
    uploadsSayEncoded: false,
    completionTellsEtag: false,
    partsKeepTags: false,
    plusForSpace: false,
  },
} as const satisfies Record<string, S3Profile>;

export type S3ProfileName = keyof typeof s3Profiles;
