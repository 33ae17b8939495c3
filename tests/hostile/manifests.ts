import type { BackupManifest } from '../../src/repository/manifest.ts';
import { aManifest } from '../rigs/manifest.ts';

/**
 * Manifests that somebody wrote who wishes us ill: each fits the schema of its time, and names what
 * this charm never named.
 */
export const hostileManifests: readonly (readonly [name: string, manifest: object])[] = [
  ['another bucket of MinIO', bucket({ bucket: '../mlpipeline' })],
  ['a bucket that is a folder of ours', bucket({ bucket: 'history' })],
  ['the list of another set', list('ckf/sets/2026-11-20T20:15:00Z/mlpipeline.ndjson.gz')],
  ['a list elsewhere', list('other/list.ndjson.gz')],
  ['a dump elsewhere', mlmd({ key: 'ckf/mlpipeline/owned' })],
  ['the dump of another path', mlmd({ key: 'other/mlmd/mlmd-2026-11-21-20-15-00.dump.gz' })],
  ['an application that is a path', mlmd({ application: '../mlmd' })],
  ['a backup id with a command', database({ backupId: '2026-11-21T20:16:02Z; rm -rf /' })],
  ['a backup id with an option', database({ backupId: '--defaults-file=/tmp/x' })],
  ['a path of a database elsewhere', database({ path: 'ckf/mlpipeline' })],
  ['a path above ours', database({ path: '..' })],
  ['a unit with an escape code', database({ unit: 'kfp-db/1\u001b[2J' })],
  ['a component with a line end', database({ component: 'kfp-db\n' })],
  ['a component without an end', { ...aManifest(), components: ['a'.repeat(100_000)] }],
];

function bucket(changes: object): BackupManifest {
  return aManifest({ buckets: aManifest().buckets.map((one) => ({ ...one, ...changes })) });
}

function list(key: string): BackupManifest {
  return bucket({ list: { key, size: 512, sha256: 'b'.repeat(64) } });
}

function database(changes: object): BackupManifest {
  return aManifest({ databases: aManifest().databases.map((one) => ({ ...one, ...changes })) });
}

function mlmd(changes: object): BackupManifest {
  return aManifest({ mlmd: { ...aManifest().mlmd!, ...changes } });
}
