import { readCertificates } from '../config/certificates.ts';
import { isRegion, parseEndpoint, parsePath } from '../config/places.ts';
import { allowed, isBucket } from '../config/options.ts';
import { type Brief, CharmError } from '../errors.ts';
import { excerpt } from '../text.ts';
import type { Databag } from '../world.ts';

/**
 * Where and how to reach S3, as the `s3` interface tells it (facts of both tracks of
 * s3-integrator).
 */
export interface S3Location {
  readonly bucket: string;
  /** Without slashes at its ends; undefined when none was given. */
  readonly path: string | undefined;
  /** `https://host[:port][/path]`, without a slash at its end. */
  readonly endpoint: string;
  readonly region: string | undefined;
  readonly style: 'path' | 'host';
  readonly accessKey: string;
  readonly secretKey: string;
  /** PEM */
  readonly caChain: readonly string[];
  readonly storageClass: string | undefined;
  /** Headers by lower-case name. */
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * Reads the provider's databag, and the secret that it names.
 *
 * @param provider the application at the other end, for messages
 * @param bucket overrides the provider's
 * @throws CharmError `relation-incomplete` while something is missing, `relation-invalid` when
 *   something cannot be used
 */
export const readS3Location = (
  provider: string,
  data: Databag,
  secret: Databag | undefined,
  bucket: string | undefined,
): S3Location => {
  const given = (key: string): string | undefined => data[key]?.trim() || undefined;
  const found = {
    bucket: bucket ?? given('bucket'),
    'access-key': secret?.['access-key'] ?? data['access-key'],
    'secret-key': secret?.['secret-key'] ?? data['secret-key'],
  };
  const { bucket: name, 'access-key': accessKey, 'secret-key': secretKey } = found;
  if (!name || !accessKey || !secretKey) throw incomplete(provider, found);
  if (bucket === undefined && madeUp.test(name)) throw withoutBucket(provider, name);
  if (!isBucket(name)) throw wrongBucket(provider, name);
  const path = parsePath(data['path'] ?? '');
  if (path === undefined) throw wrongPath(provider, data['path'] ?? '');
  if (given('s3-api-version') === '2') throw oldSignatures(provider);
  const region = given('region');
  if (region !== undefined && !isRegion(region)) throw invalid(provider, 'region', region);
  const endpoint = readEndpoint(provider, given('endpoint'), region);
  return {
    bucket: name,
    path: path || undefined,
    endpoint,
    region,
    style: readStyle(given('s3-uri-style'), endpoint, name),
    accessKey,
    secretKey,
    caChain: readCaChain(provider, data['tls-ca-chain']),
    storageClass: given('storage-class'),
    attributes: readAttributes(data['attributes']),
  };
};

/**
 * The name that requirers send to track 1 when no bucket was chosen. Without a bucket of its own,
 * track 1 takes the first such name and gives it to every requirer.
 */
const madeUp = /^relation-\d+$/;

const withoutBucket = (provider: string, name: string): CharmError =>
  new CharmError(
    'relation-invalid',
    `${provider} has no bucket of its own: ${name} is what it was asked for in place of one. Run: juju config ${provider} bucket=<bucket>`,
    {
      brief: { what: `${provider} has no bucket`, run: `juju config ${provider} bucket=<bucket>` },
    },
  );

const wrongPath = (provider: string, path: string): CharmError =>
  new CharmError(
    'relation-invalid',
    `${provider} sends the path ${JSON.stringify(excerpt(path, 80))}, which is not ${allowed.path}. Change it: juju config ${provider} path=<path>`,
    { brief: wrongOption(provider, 'path') },
  );

/** S3 at AWS and current MinIO refuse signatures of version 2, which are made with SHA-1. */
const oldSignatures = (provider: string): CharmError =>
  new CharmError(
    'relation-invalid',
    `${provider} sends s3-api-version=2, but requests are signed in version 4 only. A server that knows only version 2 cannot be used. Run: juju config ${provider} s3-api-version=4`,
    {
      brief: {
        what: `${provider} wants signatures of version 2`,
        run: `juju config ${provider} s3-api-version=4`,
      },
    },
  );

const wrongBucket = (provider: string, name: string): CharmError =>
  new CharmError(
    'relation-invalid',
    `${provider} sends the bucket ${JSON.stringify(excerpt(name, 80))}, which is not ${allowed.bucket.replace(', or nothing', '')}. Change it: juju config ${provider} bucket=<bucket>`,
    { brief: wrongOption(provider, 'bucket') },
  );

const incomplete = (
  provider: string,
  found: Readonly<Record<string, string | undefined>>,
): CharmError => {
  const missing = Object.keys(found).filter((key) => !found[key]);
  const cures = [
    ...(missing.includes('bucket') ? [`juju config ${provider} bucket=<bucket>`] : []),
    ...(missing.some((key) => key !== 'bucket')
      ? [
          `juju run ${provider}/leader sync-s3-credentials access-key=<key> secret-key=<key> (track 1) or juju config ${provider} credentials=<secret's URI> (track 2)`,
        ]
      : []),
  ];
  return new CharmError(
    'relation-incomplete',
    `${provider} has not sent ${missing.join(', ')} yet. It does by itself once it has all of it: ${cures.join(', and ')}.`,
    {
      brief: {
        what: `${provider} lacks ${missing.join(', ')}`,
        run: missing.includes('bucket')
          ? `juju config ${provider} bucket=<bucket>`
          : `juju status ${provider}`,
      },
    },
  );
};

const invalid = (provider: string, option: string, value: string): CharmError =>
  new CharmError(
    'relation-invalid',
    `${provider} sends ${option}=${JSON.stringify(excerpt(value, 80))}, which cannot be used here. Change it: juju config ${provider} ${option}=<${option}>`,
    { brief: wrongOption(provider, option) },
  );

const wrongOption = (provider: string, option: string): Brief => ({
  what: `${provider}: wrong ${option}`,
  run: `juju config ${provider} ${option}=<${option}>`,
});

/** The message leaves out the value, which may be a secret in the wrong option. */
const unusable = (provider: string, option: string, what: string): CharmError =>
  new CharmError(
    'relation-invalid',
    `${provider} sends ${what}. Change it: juju config ${provider} ${option}=<${option}>`,
    { brief: wrongOption(provider, option) },
  );

const readEndpoint = (
  provider: string,
  given: string | undefined,
  region: string | undefined,
): string => {
  const endpoint = parseEndpoint(given, region);
  if (endpoint === undefined)
    throw unusable(
      provider,
      'endpoint',
      'an endpoint that is not the URL of a server, such as https://s3.example.com:9000',
    );
  return endpoint;
};

/**
 * Path style for every server but Amazon, unless the provider says otherwise: it needs no wildcard
 * DNS name.
 * A bucket with dots in its name has no host at Amazon whose certificate fits, since `*` stands for
 * one label (AWS, "Virtual hosting of general purpose buckets").
 */
const readStyle = (
  given: string | undefined,
  endpoint: string,
  bucket: string,
): 'path' | 'host' => {
  const { protocol, hostname } = new URL(endpoint);
  const isAmazon = hostname.endsWith('.amazonaws.com');
  if (isAmazon && protocol === 'https:' && bucket.includes('.')) return 'path';
  if (given === 'path' || given === 'host') return given;
  return isAmazon ? 'host' : 'path';
};

/**
 * A JSON array or a single text, of PEM or of base64 of PEM: the documents of the interface and its
 * charms differ.
 */
const readCaChain = (provider: string, text: string | undefined): readonly string[] => {
  if (!text?.trim()) return [];
  return textsOf(text).flatMap((entry, index) => {
    const read = readCertificates(entry);
    if (read.kind === 'certificates') return read.certificates;
    const which = index === 0 ? '' : ` (entry ${index + 1})`;
    throw unusable(provider, 'tls-ca-chain', `a tls-ca-chain${which} that has ${read.problem}`);
  });
};

/**
 * A JSON array (track 1) or a list with commas (track 2) of `Name=value`. A value may hold further
 * `=`.
 */
const readAttributes = (text: string | undefined): Readonly<Record<string, string>> => {
  const headers: Record<string, string> = {};
  if (!text?.trim()) return headers;
  const entries = textsOf(text).flatMap((entry) => entry.split(','));
  for (const entry of entries) {
    const [, name, value] = /^\s*([A-Za-z0-9-]+)\s*[=:]\s*(.*?)\s*$/.exec(entry) ?? [];
    if (name !== undefined && value) headers[name.toLowerCase()] = value;
  }
  return headers;
};

const textsOf = (text: string): readonly string[] => {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value.filter((entry) => typeof entry === 'string');
    if (typeof value === 'string') return [value];
  } catch {
    // Not JSON: the text itself is the value.
  }
  return [text];
};
