import {
  type RelationState,
  type UnitAgentState,
  newRelation,
  newSecret,
  newUnit,
} from '../servers/unit-agent/state.ts';

export const secretKey = 'Zt/9+kQ2"xV7mNp4';
export const minioKey = '12345678e9';
export const jujuPassword = "cOrrect horse 'battery";
export const userSecret = 'd3n8r2e5kg0c73fhvb10';
export const s3Secret = 'd3n8r2e5kg0c73fhvs3a';

/** The databags as the charms at the other ends write them. */
export const databags = {
  /** s3-integrator 1/stable, with all options set. */
  track1: {
    bucket: 'ckf-backups',
    path: '/charmed/',
    endpoint: 'https://s3.example.com/',
    region: 'eu-west-2',
    's3-uri-style': 'path',
    'storage-class': 'STANDARD_IA',
    's3-api-version': '4',
    attributes: '["X-Amz-Server-Side-Encryption=AES256"]',
    'access-key': 'AKIAIOSFODNN7EXAMPLE',
    'secret-key': secretKey,
    data: '{"bucket": "relation-4"}',
  },
  /** s3-integrator 2/stable, to a requirer that asked for a secret. */
  track2: {
    version: '1',
    bucket: 'ckf-backups',
    endpoint: 'https://s3.example.com',
    'secret-extra': `secret:${s3Secret}`,
    data: '{"requested-secrets": "[\\"access-key\\", \\"secret-key\\"]"}',
  },
  minio: {
    _supported_versions: '- v1\n',
    data: `access-key: minio\nnamespace: kubeflow\nport: 9000\nsecret-key: ${minioKey}\nsecure: false\nservice: minio\n`,
  },
  /** mysql-k8s 8.0, which speaks version 0 of the interface. */
  mysql: { bucket: 'relation-7' },
  /** A requirer of version 1. */
  mysql84: {
    version: '1',
    'requested-secrets': '["access-key", "secret-key"]',
  },
} as const;

export const relations = {
  s3: (data: Record<string, string> = databags.track1): RelationState =>
    newRelation(4, 's3-credentials', 's3-integrator', { ...data }),
  minio: (data: Record<string, string> = databags.minio): RelationState =>
    newRelation(5, 'object-storage', 'minio', { ...data }),
  kfpDb: (data: Record<string, string> = databags.mysql): RelationState =>
    newRelation(7, 'kfp-db', 'kfp-db', { ...data }),
  katibDb: (data: Record<string, string> = databags.mysql): RelationState =>
    newRelation(8, 'katib-db', 'mysql-for-katib', { ...data }),
} as const;

/** What Juju hands to an application that it trusts. */
export const kubernetesToken = 'eyJhbGciOiJSUzI1NiJ9.k8s.token';
export const credential = {
  endpoint: 'https://127.0.0.1:1',
  token: kubernetesToken,
  ca: 'PEM',
};

/** A trusted unit with relations, and the secret of track 2 in case that one of them names it. */
export const unitWith = (
  related: RelationState[],
  change: Partial<UnitAgentState> = {},
): UnitAgentState =>
  newUnit({
    relations: related,
    credential,
    secrets: [
      newSecret(
        s3Secret,
        's3-integrator',
        { 'access-key': 'AKIATRACK2', 'secret-key': secretKey },
        ['ckf-backup'],
      ),
    ],
    ...change,
  });
