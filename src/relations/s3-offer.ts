import type { Databag } from '../world.ts';
import type { S3Location } from './s3-location.ts';

/** What a database gets from us, as the provider of its `s3` relation. */
export interface S3Offer {
  /** Our application's databag, without the credentials when they go into a secret. */
  readonly data: Databag;
  /** The content of the secret; undefined when the requirer reads them from the databag. */
  readonly secret: Databag | undefined;
}

/** Every key that we may have written and must take away when it is no longer offered. */
export const offeredKeys = [
  'bucket',
  'path',
  'endpoint',
  'region',
  's3-uri-style',
  's3-api-version',
  'storage-class',
  'attributes',
  'tls-ca-chain',
  'access-key',
  'secret-key',
  'secret-extra',
  'version',
  'lib-version',
] as const;

/** As s3-integrator wrote them, because a database knows better than we do what it makes of them. */
const handedOn = [
  'endpoint',
  'region',
  's3-uri-style',
  's3-api-version',
  'storage-class',
  'attributes',
] as const;

/**
 * In the form that the requirer understands: those that ask with `requested-secrets` get a secret and the markers of the interface's
 * version 1, those of version 0 (mysql-k8s 8.0) get the credentials in the databag. Undefined while the requirer has written nothing: it
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
