import { parse } from 'yaml';
import { CharmError } from '../errors.ts';
import type { Databag } from '../world.ts';
import { objectStorageSchema } from './object-storage-schema.ts';
import { validate } from './object-storage-validator.ts';

/** MinIO, as it presents itself over the object-storage relation. */
export interface ObjectStorage {
  /** `http://minio.kubeflow:9000` */
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

/**
 * Reads the provider's databag. Every value is read as a text: PyYAML writes access keys such as
 * `12345678e9` without quotes, and a YAML 1.2 parser would take them for numbers.
 *
 * @param ca the option object-storage-ca. MinIO's charm says `secure: False` whatever MinIO does,
 *   so an authority to trust tells that it speaks TLS.
 * @throws CharmError `relation-incomplete` while there is no data, `relation-invalid` when it is
 * not of version 1
 */
export const readObjectStorage = (
  provider: string,
  databag: Databag,
  ca: readonly string[] = [],
): ObjectStorage => {
  const text = databag['data'];
  if (!text?.trim())
    throw new CharmError(
      'relation-incomplete',
      `${provider} has not sent its address and keys yet. It does by itself; look at juju status ${provider} if it does not.`,
      { brief: { what: `Waiting for ${provider}`, run: `juju status ${provider}` } },
    );
  const data = parsed(text);
  if (!validate(data)) throw invalid(provider, fieldOf(validate.errors?.[0]));
  const { service, namespace, port } = data;
  const domain = !namespace || namespace === 'null' || namespace === '~' ? '' : `.${namespace}`;
  const scheme = ca.length > 0 || data.secure.toLowerCase() === 'true' ? 'https' : 'http';
  const endpoint = `${scheme}://${service}${domain}:${port}`;
  if (!URL.canParse(endpoint)) throw invalid(provider, '');
  return {
    endpoint,
    accessKey: data['access-key'],
    secretKey: data['secret-key'],
  };
};

const invalid = (provider: string, field: string): CharmError =>
  new CharmError(
    'relation-invalid',
    `${provider} sends something over object-storage that is not version 1 of that interface${field}.` +
      ` Look at juju status ${provider} and refresh it if it is old.`,
    { brief: { what: `${provider} sends the wrong version`, run: `juju refresh ${provider}` } },
  );

const parsed = (text: string): unknown => {
  try {
    return parse(text, { schema: 'failsafe', logLevel: 'silent', maxAliasCount: 0 });
  } catch {
    return undefined;
  }
};

/** The name of the field without its value, which may be a secret key. */
const fieldOf = (
  error: { readonly instancePath: string; readonly params: object } | undefined,
): string => {
  const name =
    error?.instancePath.slice(1) ||
    Object.values(error?.params ?? {}).find((value) => typeof value === 'string');
  return typeof name === 'string' && name in objectStorageSchema.properties ? ` (${name})` : '';
};
