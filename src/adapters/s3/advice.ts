import type { S3Advice } from './options.ts';

/** What mends an S3 storage that s3-integrator told us of. Ends of sentences. */
export const s3IntegratorAdvice = (provider: string, bucket: string): S3Advice => ({
  credentials:
    `check the keys that ${provider} has and what they may do` +
    ` (juju run ${provider}/leader sync-s3-credentials, or the secret of its option credentials)`,
  bucket: `create the bucket ${bucket}, or name another one: juju config ${provider} bucket=...`,
  endpoint: `check juju config ${provider} endpoint, and that it can be reached from this unit`,
  certificate: `give the certificates of its authority: juju config ${provider} tls-ca-chain="$(base64 -w0 ca.pem)"`,
});

/** What mends MinIO. */
export const minioAdvice = (provider: string, application: string, bucket: string): S3Advice => ({
  credentials: `look at juju status ${provider}; its keys come over the object-storage relation`,
  bucket: `there is no bucket ${bucket} in ${provider}; correct juju config ${application} source-buckets`,
  endpoint: `look at juju status ${provider}, and whether it can be reached from this unit`,
  certificate: `look at juju config ${provider} ssl-ca`,
});
