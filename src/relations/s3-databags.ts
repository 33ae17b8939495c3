import type { Databag } from '../world.ts';
import type { S3Location } from './s3-location.ts';

/** What a database gets from us, as the provider of its `s3` relation. */
interface S3Offer {
  /** Our application's databag, without the credentials when they go into a secret. */
  readonly data: Databag;
  /** The content of the secret; undefined when the requirer reads them from the databag. */
  readonly secret: Databag | undefined;
}

/** Passed on as s3-integrator wrote them; the database interprets them itself. */
const handedOn = [
  'endpoint',
  'region',
  's3-uri-style',
  's3-api-version',
  'storage-class',
  'attributes',
] as const;

/** Every key that we may have written and must remove when it is no longer offered. */
export const offeredKeys = [
  ...handedOn,
  'bucket',
  'path',
  'tls-ca-chain',
  'access-key',
  'secret-key',
  'secret-extra',
  'version',
  'lib-version',
] as const;

/**
 * What a database gets, in the form that it understands. One that asks with `requested-secrets`
 * gets a secret and the markers of version 1 of the interface. One of version 0 (mysql-k8s 8.0)
 * gets the credentials in the databag. Undefined while the database has written nothing, since it
 * is not known yet which of the two it is.
 *
 * @param provider the databag of our own provider
 */
export const s3Offer = (
  location: S3Location,
  provider: Databag,
  path: string,
  requirer: Databag,
): S3Offer | undefined => {
  if (Object.keys(requirer).length === 0) return undefined;
  const credentials = { 'access-key': location.accessKey, 'secret-key': location.secretKey };
  const data = {
    bucket: location.bucket,
    path,
    ...Object.fromEntries(
      handedOn.flatMap((key) => (provider[key] === undefined ? [] : [[key, provider[key]]])),
    ),
    ...(location.caChain.length === 0 ? {} : { 'tls-ca-chain': JSON.stringify(location.caChain) }),
  };
  if (!asksForSecrets(requirer)) return { data: { ...data, ...credentials }, secret: undefined };
  return { data: { ...data, version: '1', 'lib-version': '1.0' }, secret: credentials };
};

const asksForSecrets = (requirer: Databag): boolean =>
  /["']?secret-key["']?/.test(requirer['requested-secrets'] ?? '');

/**
 * What we, as a requirer of the `s3` interface, write into our application's databag so that
 * s3-integrator sends what it knows.
 *
 * Track 2 sends nothing before it has seen `version` (older builds: `lib-version`), and puts the
 * credentials into a secret because of `requested-secrets`. Track 1 sends nothing before it has
 * seen a `bucket`, which it takes as its own when it has none; track 2 would create that bucket. So
 * we write a bucket when an operator named one. Otherwise we write one only to a provider that must
 * be track 1: it has sent data without a marker, or has sent nothing by the time of
 * `update-status`.
 */
export const s3Request = (
  relationId: string,
  provider: Databag,
  bucket: string | undefined,
  patienceIsOver: boolean,
): Databag => {
  const isTrack2 = provider['version'] !== undefined || provider['lib-version'] !== undefined;
  const isTrack1 = !isTrack2 && (Object.keys(provider).length > 0 || patienceIsOver);
  const asked = bucket ?? (isTrack1 ? `relation-${relationId.split(':').at(-1) ?? ''}` : undefined);
  return {
    'requested-secrets': JSON.stringify(['access-key', 'secret-key']),
    version: '1',
    'lib-version': '1.0',
    ...(asked === undefined ? {} : { bucket: asked }),
  };
};
