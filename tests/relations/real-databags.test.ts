import assert from 'node:assert/strict';
import { handle } from '../../src/charm.ts';
import type { Config } from '../../src/config/config.ts';
import type { Databag } from '../../src/world.ts';
import { createAuthority } from '../servers/network/certificates.ts';
import { unitRig } from '../rigs/unit.ts';
import { s3Secret, secretKey } from '../dispatch/world-of-relations.ts';

const pem = (await createAuthority()).ca.trim();
const chain = JSON.stringify([pem, pem]);
const secretExtra = { 'secret-extra': `secret:${s3Secret}` };
const keys = { 'access-key': 'AK', 'secret-key': secretKey };
/**
 * The options that are shared as they were given; unset ones are absent, because Juju drops empty
 * values.
 */
const options = {
  endpoint: 'https://s3.example.com/',
  region: 'eu-west-2',
  path: 'charmed',
  's3-uri-style': 'path',
  'storage-class': 'STANDARD_IA',
  's3-api-version': '4',
};
const track1Options = {
  ...{ ...options, 'tls-ca-chain': chain, 'delete-older-than-days': '30' },
  attributes: '["X-Amz-Server-Side-Encryption=AES256", "x-amz-acl=private"]',
};
const track2Options = {
  ...{ ...options, 'tls-ca-chain': chain, 'delete-older-than-days': '30' },
  attributes: 'X-Amz-Server-Side-Encryption=AES256,x-amz-acl=private',
};
const diffOf = (asked: object): Databag => ({ data: JSON.stringify(asked) });
const asked1 = diffOf({ bucket: 'relation-4' });
const asked2 = diffOf({ 'requested-secrets': '["access-key", "secret-key"]', version: '1' });

interface Case {
  readonly provider: Databag;
  /** `active`, or the code of the problem. */
  readonly status: string;
  /** What we ask for in place of a bucket. */
  readonly bucket?: string;
  /** The keys that a database gets that reads them from the databag. */
  readonly gives?: readonly string[];
}

const bare = ['access-key', 'bucket', 'path', 'secret-key'];
const full = [...bare, ...Object.keys(options), 'attributes', 'tls-ca-chain'];

const providers: Readonly<Record<string, Case>> = {
  'track 1 before anybody asked': { provider: {}, status: 'relation-incomplete' },
  'track 1 that has options and no keys yet': {
    provider: { bucket: 'bkt', ...options, ...asked1 },
    status: 'relation-incomplete',
    bucket: 'relation-4',
  },
  'track 1 with what it must have': {
    provider: { bucket: 'bkt', 'access-key': 'AK', 'secret-key': secretKey, ...asked1 },
    status: 'active',
    bucket: 'relation-4',
    gives: bare,
  },
  'track 1 with every option': {
    provider: { bucket: 'bkt', ...keys, ...track1Options, ...asked1 },
    status: 'active',
    bucket: 'relation-4',
    gives: full,
  },
  'track 1 that has no bucket and took what it was asked for': {
    provider: { bucket: 'relation-4', ...keys, ...asked1 },
    status: 'relation-invalid',
    bucket: 'relation-4',
  },
  'track 2 that has shown itself only': {
    provider: { version: '1' },
    status: 'relation-incomplete',
  },
  'track 2 with what it must have': {
    provider: { version: '1', bucket: 'bkt', ...secretExtra, ...asked2 },
    status: 'active',
    gives: bare,
  },
  'track 2 with every option': {
    provider: { version: '1', bucket: 'bkt', ...track2Options, ...secretExtra, ...asked2 },
    status: 'active',
    gives: full,
  },
  'track 2 as it was built until 2026-02': {
    provider: { 'lib-version': '1.0', bucket: 'bkt', ...options, ...secretExtra, ...asked2 },
    status: 'active',
    gives: [...bare, ...Object.keys(options)],
  },
  'track 2 with keys in the databag': {
    provider: { version: '1', bucket: 'bkt', ...keys, ...asked2 },
    status: 'active',
    gives: bare,
  },
};

/** As mysql-k8s 8.0 writes it, and the libraries of version 1, old and new. */
const requirers = {
  'kfp-db:7': { bucket: 'relation-7' },
  'katib-db:8': { version: '1', 'requested-secrets': '["access-key", "secret-key"]' },
  'kfp-db:9': {
    'lib-version': '1.0',
    'requested-secrets': '["access-key", "secret-key"]',
    bucket: 'relation-9',
    path: 'ours',
  },
} as const;

describe('the databag of s3-integrator', () => {
  for (const [name, { provider, status, bucket, gives }] of Object.entries(providers))
    it(`is understood, and handed on, as it comes from ${name}`, async () => {
      const rig = unitRig();
      const { relations, secrets } = rig.tools;
      const ofOurs = (id: string) => relations.get(id)?.ours ?? {};
      relations.set('s3-credentials:4', {
        application: 's3-integrator',
        remote: provider,
        ours: {},
      });
      for (const [id, remote] of Object.entries(requirers))
        relations.set(id, { application: `of-${id}`, remote, ours: {} });
      const { unit } = rig;
      const charm = {
        ...unit,
        unitName: 'ckf-backup/0',
        openWorld: (config: Config) => unit.openWorld(config),
      };
      const hook = { name: 's3-credentials-relation-changed', relationId: 's3-credentials:4' };
      await handle({ kind: 'hook', ...hook }, charm);

      const said = rig.tools.status;
      const code = / \[([a-z-]+)\]: /.exec(said.message)?.[1];
      assert.equal(code ?? said.name, status, said.message);
      assert.deepEqual(ofOurs('s3-credentials:4'), {
        ...{ version: '1', 'lib-version': '1.0' },
        'requested-secrets': '["access-key","secret-key"]',
        ...(bucket === undefined ? {} : { bucket }),
      });
      const sorted = (names: readonly string[]) => [...new Set(names)].sort();
      assert.deepEqual(sorted(Object.keys(ofOurs('kfp-db:7'))), sorted(gives ?? []));
      const inSecret = (gives ?? []).filter((key) => !(key in keys));
      const markers = gives === undefined ? [] : ['version', 'lib-version', 'secret-extra'];
      for (const id of ['katib-db:8', 'kfp-db:9']) {
        const ours = ofOurs(id);
        assert.deepEqual(sorted(Object.keys(ours)), sorted([...inSecret, ...markers]));
        const secret = secrets.get(ours['secret-extra'] ?? '');
        assert.deepEqual(secret?.grants, gives && [`of-${id}`]);
        assert.deepEqual(Object.keys(secret?.content ?? {}).sort(), gives ? Object.keys(keys) : []);
      }
      for (const [key, value] of Object.entries(ofOurs('kfp-db:7')))
        assert.equal(value, expected(key, provider));
    });
});

/** Handed on as it came, but for the path and the form of the certificates. */
const expected = (key: string, provider: Databag): string | undefined => {
  if (key === 'path') return `${provider['path'] ?? 'kubeflow'}/kfp-db`;
  if (key === 'access-key') return 'AK';
  if (key === 'secret-key') return secretKey;
  return provider[key];
};
