/** Where something is known from. */
interface Known {
  /** What the server does, as the end of a sentence that begins with its name. */
  readonly does: string;
  /**
   * A test against the real server with its version, its source, its manual, or a public report.
   */
  readonly source: string;
  /** Servers that have it, and no profile of their own. */
  readonly others?: string;
}

/**
 * Everything in which servers are known to differ from what AWS promises, each once. A profile is a
 * choice of these, and docs/reference/servers.md shows them.
 */
export const s3Quirks = {
  'ignores-put-conditions': {
    does: 'ignores If-None-Match and If-Match of a PUT',
    source:
      'minio/minio 11c7ecb5c added them in 2023-02; Google has x-goog-if-generation-match instead',
  },
  'compares-bare-etags': {
    does: 'compares If-Match of a PUT with the ETag without quotes',
    source: 'tried with RadosGW 16.2.15 and 18.2.7',
  },
  'loses-conditions-in-versions': {
    does: 'overwrites in spite of If-None-Match, and answers 412 to every If-Match, in a bucket with versioning',
    source: 'tried with RadosGW 16.2.15 and 18.2.7',
  },
  'lets-racers-win': {
    does: 'lets every one of several writers win who send If-None-Match at the same time, in a bucket with versioning',
    source: 'tried with RadosGW 16.2.15, 18.2.7 and 20.2.4: 16 of 16 writers won',
  },
  'keeps-versions': {
    does: 'keeps the versions of each object, and tells their ids',
    source: 'AWS, "Using versioning in S3 buckets"',
  },
  'ignores-complete-conditions': {
    does: 'ignores the conditions of CompleteMultipartUpload',
    source: 'tried with RadosGW 16.2.15 and 18.2.7; minio/minio has them since 2025-09',
  },
  'ignores-copy-conditions': {
    does: 'ignores x-amz-copy-source-if-match',
    source: 'tried with RadosGW 16.2.15',
  },
  'ignores-checksums': {
    does: 'does not look at x-amz-checksum-*',
    source: 'tried with RadosGW 16.2.15; minio/minio a9f1ad792 added them in 2022-08',
  },
  'demands-digests': {
    does: 'refuses a PUT or a part without Content-MD5 or x-amz-checksum-*, in a bucket with Object Lock',
    source: 'AWS, PutObject; s3tools/s3cmd#1436, google/go-cloud#3249',
  },
  'hides-part-sizes': {
    does: 'answers HEAD ?partNumber= with the whole object',
    source: 'tried with RadosGW 16.2.15 and 18.2.7',
  },
  'refuses-odd-segments': {
    does: 'refuses keys with an empty segment, and with one that is . or .. but for spaces',
    source: 'minio/minio, hasBadPathComponent',
  },
  'tidies-keys': {
    does: 'stores a//b as a/b and a/../b as b, and answers 400 to keys that lead out of the bucket',
    source: 'tried with versitygw 1.8.0 and SeaweedFS 4.48',
    others: 'SeaweedFS',
  },
  'loses-control-characters': {
    does: 'lists control characters of keys as U+FFFD, with encoding-type=url too',
    source: 'tried with versitygw 1.8.0',
  },
  'refuses-full-folders': {
    does: 'refuses an object with content whose key ends with a slash (400)',
    source: 'tried with versitygw 1.8.0',
  },
  'refuses-long-segments': {
    does: 'refuses keys with a segment of more than 255 bytes',
    source: 'minio/minio, checkPathLength; tried with RELEASE.2021-09-03 and 2025-10',
  },
  'sorts-folders-by-name': {
    does: 'lists what lies below a folder where the name of the folder belongs, so a/b before a!, which is not the order of S3',
    source: 'tried with SeaweedFS 4.48',
    others: 'SeaweedFS, which therefore cannot be a target',
  },
  'refuses-objects-beside-folders': {
    does: 'refuses an object where others lie below its key (409), and one below an object (403)',
    source: 'tried with MinIO RELEASE.2021-09-03 on one drive; versitygw 1.8.0 answers 409 to both',
  },
  'hides-objects-below-objects': {
    does: 'stores an object below another one, and leaves it out of every listing',
    source: 'tried with MinIO 2025-10; minio/minio#18120, #19754, minio/mc#5230',
  },
  'finds-uploads-by-key-only': {
    does: 'lists unfinished uploads for a whole key only, not for a prefix',
    source: 'minio/minio, ListMultipartUploads; tried with 2021-09-03, 2025-10 and 2026-02',
  },
  'lists-all-uploads': {
    does: 'lists the unfinished uploads of the whole bucket, in one page, when asked for no prefix',
    source: 'minio/minio#20407, of 2024; tried with 2026-02',
  },
  'encodes-uploads-silently': {
    does: 'encodes the keys of unfinished uploads without saying so, and its markers not at all',
    source: 'tried with RadosGW 16.2.15',
  },
  'hides-completed-etag': {
    does: 'leaves the ETag in the reply of CompleteMultipartUpload empty',
    source: 'tried with RadosGW 16.2.15',
  },
  'forgets-tags-of-parts': {
    does: 'forgets the tags of an object that was uploaded in parts',
    source: 'tried with RadosGW 16.2.15',
  },
  'writes-spaces-as-spaces': {
    does: 'writes a space in a listing as %20, not as a plus',
    source: 'tried with RadosGW 16.2.15',
  },
  'refuses-tags': {
    does: 'answers 501 to a write with tags, and to reading them',
    source: 'Cloudflare R2, "S3 API compatibility"; Backblaze B2, "S3 Put Object"',
  },
  'refuses-odd-tags': {
    does: 'refuses tags with other characters than letters, digits, spaces and + - = . _ : / @',
    source:
      'AWS, "Categorizing your storage using tags"; versity/versitygw#2039 has the answer of AWS; tried with versitygw 1.8.0',
  },
  'takes-ascii-tags': {
    does: 'refuses tags with other characters than those of ASCII that AWS takes',
    source: 'minio/minio-go 7.0.91, pkg/tags, which MinIO has since 2025; tried with MinIO 2026-02',
  },
  'spoils-tags': {
    does: 'refuses tags with &, but stores them with an upload in parts, and cannot read any tag of such an object again',
    source: 'tried with MinIO RELEASE.2021-09-03',
  },
  'encodes-metadata': {
    does: 'gives metadata beyond ASCII back as encoded words of RFC 2047',
    source: 'AWS, "Working with object metadata"; tried with MinIO 2025-10',
  },
  'hides-encryption-of-copies': {
    does: 'does not name the encryption in the reply of CopyObject; HEAD does',
    source: 'tried with MinIO 2025-10',
  },
  'unpacks-gzip': {
    does: 'unpacks objects with Content-Encoding: gzip for clients that do not accept gzip, and sends them without a length',
    source: 'Google, "Transcoding of gzip-compressed files"; rclone/rclone#2658',
  },
  'sends-gzip-chunked': {
    does: 'sends objects with Content-Encoding: gzip without Content-Length, also to a HEAD',
    source: 'rclone/rclone#6533, #8137, #8500 (Cloudflare before Ceph, StorageGRID, R2)',
  },
  'numbers-etags': {
    does: 'gives ETags of the form <MD5>-1 for objects in one piece',
    source: "MinIO's gateways to Azure and Google; flyteorg/flyte#4931",
    others: 'gateways to other storages',
  },
  'invents-etags': {
    does: 'gives ETags that say nothing of the content, such as 0x8D4BCC2E4835CD0',
    source: 'Azure Blob Storage behind S3Proxy; apache/libcloud#1401, boto/boto#3750',
    others: 'gateways to other storages',
  },
  'hashes-parts-otherwise': {
    does: 'gives an object that was uploaded in parts an ETag that is no MD5 of MD5s',
    source: 'Google, "Hashes and ETags: best practices"',
  },
  'redirects-regions': {
    does: 'answers 301 PermanentRedirect to what is signed for another region, and names the right one in a header',
    source: 'AWS, "Request redirection and the REST API" and "Error responses"',
  },
  'freezes-archives': {
    does: 'answers 403 InvalidObjectState to a GET or a copy of an object of the classes GLACIER and DEEP_ARCHIVE, until RestoreObject has thawed it, which takes hours',
    source: 'AWS, "Working with archived objects" and RestoreObject',
  },
  'slows-down': {
    does: 'answers 503 SlowDown now and then (here every fortieth request)',
    source: 'AWS, "Best practices design patterns: optimizing Amazon S3 performance"',
  },
} as const satisfies Record<string, Known>;

export type S3Quirk = keyof typeof s3Quirks;
