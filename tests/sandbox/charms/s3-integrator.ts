import {
  newSecret,
  type RelationState,
  type UnitAgentState,
} from '../../servers/unit-agent/state.ts';

/** How s3-integrator was configured, credentials included. An option that is not set is absent. */
export interface S3IntegratorConfig {
  readonly track: 1 | 2;
  readonly endpoint: string;
  readonly bucket?: string;
  readonly path?: string;
  readonly region?: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

/**
 * The databag that s3-integrator writes for a requirer, which follows from what the requirer wrote.
 *
 * Track 1 says nothing before the requirer asked for a bucket, and takes that bucket when its own
 * option is not set. Track 2 writes its version marker first, waits for the requirer's marker or
 * bucket, and puts the keys into a secret if it is asked to.
 */
export const s3IntegratorDatabag = (
  config: S3IntegratorConfig,
  unit: UnitAgentState,
  relation: RelationState,
): Record<string, string> => {
  const asked = relation.localApplicationData;
  const requested = asked['bucket'] ?? '';
  if (config.track === 1) {
    if (requested === '') return {};
    return compact({
      ...connection(config),
      bucket: config.bucket ?? requested,
      'access-key': config.accessKey,
      'secret-key': config.secretKey,
      data: JSON.stringify({ bucket: requested }),
    });
  }
  const marker = { version: '1' };
  const knowsMarkers = asked['version'] === '1';
  if (!knowsMarkers && requested === '') return marker;
  const bucket = config.bucket ?? (knowsMarkers ? requested : '');
  const path = config.path ?? (knowsMarkers ? asked['path'] : undefined);
  return compact({
    ...marker,
    ...connection(config),
    bucket,
    path: path ?? '',
    ...(asked['requested-secrets'] === undefined
      ? { 'access-key': config.accessKey, 'secret-key': config.secretKey }
      : { 'secret-extra': shareSecret(config, unit) }),
    data: JSON.stringify(asked),
  });
};

const connection = ({ endpoint, region, path }: S3IntegratorConfig) => ({
  endpoint,
  region: region ?? '',
  path: path ?? '',
  's3-uri-style': 'path',
});

/** Juju drops empty values. */
const compact = (databag: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(databag).filter(([, value]) => value !== ''));

const secretId = 'd3n8r2e5kg0c73fhs3i0';

/**
 * A secret of s3-integrator, granted to us over the relation; a rotation of the keys is a new
 * revision.
 */
const shareSecret = (config: S3IntegratorConfig, unit: UnitAgentState): string => {
  const content = { 'access-key': config.accessKey, 'secret-key': config.secretKey };
  const known = unit.secrets.find(({ id }) => id === secretId);
  if (known === undefined)
    unit.secrets.push(newSecret(secretId, 's3-integrator', content, [unit.application]));
  else if (known.revisions.at(-1)?.['secret-key'] !== config.secretKey)
    known.revisions.push(content);
  return `secret:${secretId}`;
};
